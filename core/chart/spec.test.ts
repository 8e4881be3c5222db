import { describe, expect, it } from 'vitest';
import { memoryUsage, sampleAlert } from '../../test/contract/notifications.ts';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Point, Series } from '../model/sample.ts';
import { timeAxis, valueAxis } from './axes.ts';
import { buildChartSpec, chartRange } from './spec.ts';
import { breachBands } from './threshold-lines.ts';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 10, 24, 9, 40);
const node = (name: string): Labels => ({ cluster: 'prod', node: name, role: 'etcd' });
const points = (values: (number | undefined)[], stepMs = MINUTE): Point[] =>
  values.flatMap((value, i) =>
    value === undefined ? [] : [{ timeMs: NOW - (values.length - 1 - i) * stepMs, value }],
  );
const series = (name: string, values: (number | undefined)[]): Series => ({
  metric: 'mem_usage',
  labels: node(name),
  points: points(values),
});
const rule = (extra: Partial<Rule> = {}): Rule => ({
  ...memoryUsage,
  ...extra,
});
const firing = sampleAlert({ labels: node('n1'), sinceMs: NOW - 30 * MINUTE, firedAtMs: NOW - 20 * MINUTE });

function build(extra: Partial<Parameters<typeof buildChartSpec>[0]> = {}) {
  return buildChartSpec({
    alerts: [firing],
    rule: rule(),
    series: [series('n2', [...Array(120).fill(50), 51]), series('n1', [91, 94])],
    fromMs: NOW - 120 * MINUTE,
    toMs: NOW,
    nowMs: NOW,
    timeZone: 'UTC',
    intervalMs: MINUTE,
    status: 'firing',
    ...extra,
  });
}

describe('buildChartSpec', () => {
  it('puts the breaching series first and says what holds', () => {
    const spec = build();
    expect(spec.title).toBe('Memory usage 94.1% > 90% for 10m');
    expect(spec.subtitle).toBe('cluster prod · mem_usage · 2 nodes · last 2h · UTC');
    expect(spec.lines.map(({ name, value, breaching }) => [name, value, breaching])).toEqual([
      ['n1', '94%', true],
      ['n2', '51%', false],
    ]);
    expect(spec.firing).toEqual({ fromMs: firing.firedAtMs, toMs: NOW, label: 'FIRED 09:20' });
    expect(spec.pending).toEqual({ fromMs: firing.sinceMs, toMs: firing.firedAtMs });
  });

  it('ends the region where the alert was resolved', () => {
    const over = { ...firing, status: 'resolved' as const, value: 61, resolvedAtMs: NOW - 5 * MINUTE };
    const spec = build({ alerts: [over], status: 'resolved', timeZone: 'Asia/Seoul' });
    expect(spec.title).toBe('Memory usage: ended at 61%, was > 90% for 25m');
    expect(spec.firing?.label).toBe('fired 18:20, resolved 18:35 after 25m');
    expect(spec.firing?.toMs).toBe(NOW - 5 * MINUTE);
  });

  it('leaves a gap where rounds are missing, and bridges one lost round', () => {
    const spec = build({ series: [series('n1', [1, undefined, 3, undefined, undefined, 6, 7])] });
    expect(spec.lines[0]?.segments.map((segment) => segment.map((p) => p.value))).toEqual([
      [1, 3],
      [6, 7],
    ]);
  });

  it('never leaves the plot with its regions', () => {
    const long = { ...firing, sinceMs: NOW - 900 * MINUTE, firedAtMs: NOW - 890 * MINUTE };
    expect(build({ alerts: [long] }).firing?.fromMs).toBe(NOW - 120 * MINUTE);
  });

  it('begins with the data where those are younger than the range', () => {
    const young = build({ series: [series('n1', Array(41).fill(91))] });
    expect([young.x.min, young.subtitle]).toEqual([
      NOW - 40 * MINUTE,
      'cluster prod · mem_usage · 1 node · last 40m · UTC',
    ]);
    expect(build({ series: [series('n1', [91, 92])] }).x.min).toBe(firing.sinceMs);
  });

  it('leaves a round before data of a few rounds, so that the first is seen', () => {
    const since = NOW - MINUTE / 2;
    const alerts = [{ ...firing, sinceMs: since, firedAtMs: since }];
    expect(build({ alerts, series: [series('n1', [95])] }).x.min).toBe(since - MINUTE);
  });

  it('draws without any data', () => {
    const spec = build({ series: [], alerts: [{ ...firing, reason: 'no-data', value: undefined }] });
    expect(spec.title).toBe('Memory usage: no data since 09:10');
    expect(spec.lines).toEqual([]);
  });

  it('tells a state by how long it lasts, in steps, without a line between no and yes', () => {
    const spec = build({
      rule: rule({ title: 'Node down', metric: 'up', condition: { kind: 'below', threshold: 1 } }),
      alerts: [{ ...firing, value: 0 }],
    });
    expect([spec.title, spec.stepped, spec.thresholdLines, spec.bands]).toEqual([
      'Node down for 30m',
      true,
      [],
      [],
    ]);
  });

  it('calls the states of a node by name', () => {
    const spec = build({ rule: rule({ metric: 'up' }), series: [series('n1', [1, 0])] });
    expect(spec.y.ticks.map((tick) => tick.label)).toEqual(['down', 'up']);
    expect(spec.lines[0]?.value).toBe('down');
  });

  it('draws thirty series, breaching ones first, and counts the rest', () => {
    const many = Array.from({ length: 70 }, (_, i) => series(`m${i}`, [i]));
    const spec = build({ series: [...many, series('n1', [95])] });
    expect([spec.lines.length, spec.omitted, spec.lines[0]?.name]).toEqual([30, 41, 'n1']);
    expect(spec.lines.slice(1, 4).map((line) => line.name)).toEqual(['m0', 'm1', 'm2']);
    // What is not drawn does not stretch the axis.
    expect(build({ series: [...many, series('m99', [400])] }).y.max).toBe(100);
  });

  it('leaves out neighbours that are always far off: the axis is that of the alert and its bound', () => {
    const day = 86_400;
    const certificates = rule({ metric: 'cert_due', condition: { kind: 'below', threshold: 7 * day } });
    const all = [
      series('n1', [8 * day, 6 * day]),
      series('near', [31 * day]),
      series('far', [33 * day, 34 * day]),
    ];
    const spec = build({ rule: certificates, alerts: [{ ...firing, value: 6 * day }], series: all });
    expect([spec.lines.map((line) => line.name), spec.omitted]).toEqual([['n1', 'near'], 1]);
    expect(spec.y.max).toBeLessThan(41 * day);
    // Percent have one axis, and an alert without data has no figure that others could be far from.
    expect(build({ series: [series('n1', [5]), series('n2', [95])] }).lines.length).toBe(2);
    expect(build({ rule: certificates, series: all.slice(2) }).lines.length).toBe(1);
  });

  it('counts series where nodes have several', () => {
    const mounts = ['/', '/var'].map((mount) => ({
      ...series('n1', [50]),
      labels: { ...node('n1'), mount },
    }));
    const spec = build({ series: mounts });
    expect(spec.subtitle).toContain(' · 2 series · ');
    expect(spec.lines.map((line) => line.name)).toEqual(['n1, mount /', 'n1, mount /var']);
  });

  it('looks at no value outside its range, and at none that is no number', () => {
    const wild = [
      { timeMs: NOW - 200 * MINUTE, value: 1e9 },
      { timeMs: NOW - MINUTE, value: Number.NaN },
      { timeMs: NOW, value: 50 },
    ];
    const spec = build({ series: [{ ...series('n1', []), points: wild }] });
    expect([spec.y.max, spec.lines[0]?.segments]).toEqual([100, [[wild[2]]]]);
  });

  it('says the day of what began on another', () => {
    const old = { ...firing, sinceMs: NOW - 3_000 * MINUTE, firedAtMs: NOW - 2_990 * MINUTE };
    expect(build({ alerts: [old] }).firing?.label).toBe('FIRED 22 Nov 07:50');
  });
});

describe('chartRange', () => {
  it('shows the last day of an alert that fires for weeks', () => {
    const alerts = [{ ...firing, sinceMs: NOW - 20_000 * MINUTE }];
    expect(chartRange({ rule: rule(), alerts, nowMs: NOW, intervalMs: MINUTE }).fromMs).toBe(
      NOW - 1_440 * MINUTE,
    );
  });

  it('shows three holds before the run began', () => {
    expect(chartRange({ rule: rule(), alerts: [firing], nowMs: NOW, intervalMs: 1_000 })).toEqual({
      fromMs: NOW - 60 * MINUTE,
      toMs: NOW,
    });
  });
  it('shows at least thirty rounds, and a quarter of a long alert', () => {
    const range = (sinceMs: number, intervalMs: number) =>
      chartRange({ rule: rule({ forMs: 0 }), alerts: [{ ...firing, sinceMs }], nowMs: NOW, intervalMs })
        .fromMs;
    expect(range(NOW, MINUTE)).toBe(NOW - 30 * MINUTE);
    expect(range(NOW - 400 * MINUTE, MINUTE)).toBe(NOW - 500 * MINUTE);
  });
});

describe('axes', () => {
  it.each([
    ['UTC', 120, ['07:45', '08:00', '08:15', '08:30', '08:45', '09:00', '09:15', '09:30']],
    ['Asia/Kolkata', 120, ['13:15', '13:30', '13:45', '14:00', '14:15', '14:30', '14:45', '15:00']],
    ['UTC', 1_440, ['12:00', '15:00', '18:00', '21:00', '24 Nov', '03:00', '06:00', '09:00']],
    ['UTC', 4_320, ['12:00', '22 Nov', '12:00', '23 Nov', '12:00', '24 Nov']],
    ['UTC', 0.5, ['09:39:30', '09:39:35', '09:39:40', '09:39:45', '09:39:50', '09:39:55', '09:40:00']],
  ])('ticks are at round wall-clock times in %s over %d minutes', (timeZone, minutes, labels) => {
    expect(timeAxis(NOW - minutes * MINUTE, NOW, timeZone).ticks.map((tick) => tick.label)).toEqual(labels);
  });

  it.each([
    [
      'autumn',
      Date.UTC(2026, 9, 25, 12),
      24,
      ['15:00', '18:00', '21:00', '25 Oct', '03:00', '06:00', '09:00', '12:00'],
    ],
    [
      'spring',
      Date.UTC(2026, 2, 29, 12),
      24,
      ['15:00', '18:00', '21:00', '29 Mar', '03:00', '06:00', '09:00', '12:00'],
    ],
    ['days', Date.UTC(2026, 9, 27, 12), 120, ['23 Oct', '24 Oct', '25 Oct', '26 Oct', '27 Oct']],
  ])('ticks stay at round times when the clocks change: %s', (_, toMs, hours, labels) => {
    const { ticks } = timeAxis(toMs - hours * 60 * MINUTE, toMs, 'Europe/Berlin');
    expect(ticks.map((tick) => tick.label)).toEqual(labels);
  });

  it('survives a range of no length', () => {
    expect(timeAxis(NOW, NOW, 'UTC').max).toBeGreaterThan(NOW);
  });

  it.each([
    ['percent', [3, 7], [90], [0, 100]],
    ['percent', [3, 7], [5], [0, 8]],
    ['percent', [], [], [0, 100]],
    ['percent', [0, 0], [], [0, 100]],
    ['percent', [130], [90], [0, 150]],
    ['count', [0, 0], [], [0, 1.2]],
    ['count', [-5, 5], [], [-6, 6]],
    ['count', [1e12], [], [0, 1.2e12]],
    ['bytes', [3 * 1024 ** 3], [], [0, 4 * 1024 ** 3]],
  ] as const)('values of %s %j with bounds %j span %j', (unit, values, bounds, [min, max]) => {
    const axis = valueAxis(values, bounds, { unit });
    expect([axis.min, axis.max]).toEqual([min, max]);
  });

  it('writes byte ticks in round binary units', () => {
    expect(valueAxis([3 * 1024 ** 3], [], { unit: 'bytes' }).ticks.map((tick) => tick.label)).toEqual([
      '0 B',
      '1 GiB',
      '2 GiB',
      '3 GiB',
      '4 GiB',
    ]);
  });
});

it('bands lie where values breach', () => {
  const y = { min: 0, max: 100, ticks: [] };
  expect(breachBands({ kind: 'above', threshold: 90 }, y)).toEqual([{ from: 90, to: 100 }]);
  expect(breachBands({ kind: 'below', threshold: 10 }, y)).toEqual([{ from: 0, to: 10 }]);
  expect(breachBands({ kind: 'outside', low: 10, high: 90 }, y)).toEqual([
    { from: 90, to: 100 },
    { from: 0, to: 10 },
  ]);
  expect(breachBands({ kind: 'above', threshold: 100 }, y)).toEqual([]);
});
