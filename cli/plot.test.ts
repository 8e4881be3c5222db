import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSqliteStore } from '../adapters/stores/sqlite/store.ts';
import { createDownsampler } from '../core/chart/downsample.ts';
import { buildHistorySpec, type DrawnSeries } from '../core/chart/history.ts';
import type { ChartSpec } from '../core/chart/spec.ts';
import { readDrawn, readSummaries } from '../core/stages/history-reader.ts';
import { renderPlot } from './plot.ts';
import { binsOf } from './plot-axis.ts';
import { columnsOf, type Paint } from './problem-report.ts';
import { seriesTable } from './query-tables.ts';
import { renderStrips } from './state-strips.ts';

const MINUTE = 60_000;
const TO = Date.UTC(2026, 10, 24, 9, 40);
const FROM = TO - 180 * MINUTE;
const COLUMNS = 72;
/** Shows colours as tags. */
const tags: Paint = (style, text) => `<${String(style)}>${text}</>`;

function series(node: string, valueAt: (minute: number) => number | undefined): DrawnSeries {
  const downsampler = createDownsampler({
    fromMs: FROM,
    toMs: TO,
    bins: binsOf(COLUMNS),
    intervalMs: MINUTE,
  });
  let newest = { timeMs: FROM, value: 0 };
  for (let minute = 0; minute <= 180; minute++) {
    const value = valueAt(minute);
    if (value === undefined) continue;
    newest = { timeMs: FROM + minute * MINUTE, value };
    downsampler.add(newest);
  }
  return { labels: { cluster: 'prod', node, role: 'etcd' }, segments: downsampler.segments(), newest };
}

const specOf = (metric: string, all: DrawnSeries[], most = 6): ChartSpec =>
  buildHistorySpec({ metric, series: all, fromMs: FROM, toMs: TO, timeZone: 'Asia/Seoul', most });

const climbing = series('prod-1', (minute) => 40 + minute / 4);
const broken = series('노드-2', (minute) => (minute > 60 && minute < 100 ? undefined : 20));
const spike = series('prod-3', (minute) => (minute === 121 ? 90 : 10));

describe('a plot in the terminal', () => {
  it.each([
    ['one series', specOf('mem_usage', [climbing]), undefined],
    ['several without colours', specOf('mem_usage', [climbing, broken, spike]), undefined],
    ['several in colours', specOf('mem_usage', [climbing, broken, spike]), tags],
    ['bytes a second', specOf('net_rx', [series('prod-1', (m) => 3_000_000 + m * 1_000)]), undefined],
    [
      'close to each other',
      specOf('mem_usage', [series('prod-1', () => 45), series('prod-2', () => 48)]),
      tags,
    ],
    ['no samples', specOf('mem_usage', []), undefined],
    ['more than fit', specOf('mem_usage', [climbing, broken, spike], 2), undefined],
  ])('is the same as in the file: %s', async (title, spec, paint) => {
    const text = renderPlot(spec, { columns: COLUMNS, paint });
    await expect(text).toMatchFileSnapshot(`../test/fixtures/plots/${title.replaceAll(' ', '-')}.txt`);
    if (paint) return;
    for (const line of text.split('\n')) expect(columnsOf(line)).toBeLessThanOrEqual(COLUMNS);
  });

  it.each([40, 60, 100, 200])('fits into a terminal of %i columns', (columns) => {
    const text = renderPlot(specOf('mem_usage', [climbing, broken]), { columns, paint: undefined });
    for (const line of text.split('\n')) expect(columnsOf(line)).toBeLessThanOrEqual(columns);
  });

  it('shows a spike of one sample in a day of samples', () => {
    const downsampler = createDownsampler({
      fromMs: 0,
      toMs: 1_440 * MINUTE,
      bins: binsOf(60),
      intervalMs: MINUTE,
    });
    for (let i = 0; i < 1_440; i++) downsampler.add({ timeMs: i * MINUTE, value: i === 700 ? 99 : 5 });
    const segments = downsampler.segments();
    const range = { fromMs: 0, toMs: 1_440 * MINUTE, timeZone: 'UTC', most: 6 };
    const one = { labels: { node: 'n' }, segments, newest: { timeMs: 0, value: 5 } };
    const text = renderPlot(buildHistorySpec({ metric: 'mem_usage', series: [one], ...range }), {
      columns: 60,
      paint: undefined,
    });
    expect(text.split('\n')[2]).toMatch(/^100% ┤ +[^ ]/);
  });
});

describe('states in the terminal', () => {
  const states = [
    series('prod-1', () => 1),
    series('노드-2', (minute) => (minute < 30 ? undefined : minute > 60 && minute < 100 ? 0 : 1)),
    series('prod-3', (minute) => (minute === 121 ? 0 : 1)),
  ];

  it.each([
    ['states', states, undefined],
    ['states in colours', states, tags],
    ['no states', [], undefined],
  ])('are the same as in the file: %s', async (title, all, paint) => {
    const text = renderStrips(specOf('up', all), { columns: COLUMNS, paint });
    await expect(text).toMatchFileSnapshot(`../test/fixtures/plots/${title.replaceAll(' ', '-')}.txt`);
    if (paint) return;
    for (const line of text.split('\n')) expect(columnsOf(line)).toBeLessThanOrEqual(COLUMNS);
  });
});

describe('the data of a plot', () => {
  it('are read in pieces, each sample once, and begin with the first sample', async () => {
    const path = mkdtempSync(join(tmpdir(), 'bartizan-plot-'));
    const store = openSqliteStore({ path });
    const labels = { cluster: 'c', node: 'n', role: 'etcd' };
    // Samples in three slices, also at the edges of slices.
    const times = Array.from({ length: 13 * 60 + 1 }, (_, i) => TO - 13 * 60 * MINUTE + i * MINUTE);
    await store.write(
      times.map((timeMs, i) => ({ metric: 'mem_usage', labels, timeMs, value: i === 360 ? 99 : i % 7 })),
    );
    const query = { where: {}, bins: 10_000, intervalOf: () => MINUTE, toMs: TO };
    const [all] = await readDrawn(store, ['mem_usage'], { ...query, fromMs: TO - 13 * 60 * MINUTE });
    expect(all?.series).toHaveLength(1);
    expect(all?.series[0]?.segments.map((segment) => segment.map((point) => point.timeMs))).toEqual([times]);
    const [wide, none] = await readDrawn(store, ['mem_usage', 'load1'], {
      ...query,
      bins: 50,
      fromMs: TO - 30 * 24 * 60 * MINUTE,
    });
    expect(none).toBeUndefined();
    expect(wide?.fromMs).toBe(times[0]);
    const points = wide?.series[0]?.segments.flat() ?? [];
    expect(points.length).toBeLessThanOrEqual(100);
    expect(Math.max(...points.map((point) => point.value))).toBe(99);
    const summary = await readSummaries(store, {
      ...query,
      metric: 'mem_usage',
      fromMs: TO - 13 * 60 * MINUTE,
    });
    const values = times.map((_, i) => (i === 360 ? 99 : i % 7));
    const mean = values.reduce((sum, value) => sum + value) / values.length;
    expect(summary).toEqual([
      {
        metric: 'mem_usage',
        labels,
        newest: { timeMs: times.at(-1), value: 780 % 7 },
        least: 0,
        greatest: 99,
        count: 781,
        mean,
      },
    ]);
    expect(seriesTable(summary, TO + 2 * 60 * MINUTE)).toMatch(
      /^METRIC +SERIES +NEWEST +AGE .*\n.* 3% +2h +0% /,
    );
    const up = { ...labels, node: 'old' };
    await store.write([{ metric: 'up', labels: up, timeMs: TO - 20 * 60 * MINUTE, value: 1 }]);
    const both = await readDrawn(store, ['mem_usage', 'up'], {
      ...query,
      fromMs: TO - 30 * 24 * 60 * MINUTE,
    });
    expect(both.map(({ metric, fromMs }) => [metric, fromMs])).toEqual([
      ['mem_usage', TO - 20 * 60 * MINUTE],
      ['up', TO - 20 * 60 * MINUTE],
    ]);
    await store.close();
    rmSync(path, { recursive: true });
  });
});
