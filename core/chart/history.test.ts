import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Labels } from '../model/labels.ts';
import { createDownsampler } from './downsample.ts';
import { buildHistorySpec, type DrawnSeries } from './history.ts';

const MINUTE = 60_000;

function thin(values: readonly (number | undefined)[], bins: number): number[][] {
  const downsampler = createDownsampler({
    fromMs: 0,
    toMs: values.length * MINUTE,
    bins,
    intervalMs: MINUTE,
  });
  for (const [i, value] of values.entries())
    if (value !== undefined) downsampler.add({ timeMs: i * MINUTE, value });
  return downsampler.segments().map((segment) => segment.map((point) => point.value));
}

describe('the thinner', () => {
  it('keeps all where there is room', () => {
    expect(thin([1, 2, 3, 2], 100)).toEqual([[1, 2, 3, 2]]);
    expect(thin([], 100)).toEqual([]);
  });

  it('keeps the least and greatest of a bin, in their order', () => {
    expect(thin([5, 1, 9, 4, 7, 8, 2, 3], 2)).toEqual([[1, 9, 8, 2]]);
  });

  it('bridges one lost round, and breaks at two', () => {
    expect(thin([1, undefined, 3, undefined, undefined, 6], 100)).toEqual([[1, 3], [6]]);
  });

  it('passes over what is no number', () => {
    expect(thin([1, Number.NaN, 3], 100)).toEqual([[1, 3]]);
  });

  it('never gives more than two points a bin, nor loses an extreme, nor joins over a visible gap', () => {
    const value = fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined, freq: 3 });
    fc.assert(
      fc.property(fc.array(value, { maxLength: 400 }), fc.integer({ min: 1, max: 80 }), (values, bins) => {
        const segments = thin(values, bins);
        const kept = segments.flat();
        const given = values.filter((one) => one !== undefined);
        expect(kept.length).toBeLessThanOrEqual(2 * bins);
        if (given.length === 0) return;
        expect([Math.min(...kept), Math.max(...kept)]).toEqual([Math.min(...given), Math.max(...given)]);
        const longest = Math.max(2, values.length / bins);
        let gaps = 0;
        let last: number | undefined;
        for (const [i, one] of values.entries()) {
          if (one === undefined) continue;
          if (last !== undefined && i - last > longest) gaps++;
          last = i;
        }
        expect(segments).toHaveLength(gaps + 1);
      }),
    );
  });
});

describe('the history of a metric', () => {
  const series = (labels: Labels, ...values: number[]): DrawnSeries => {
    const points = values.map((value, i) => ({ timeMs: i * MINUTE, value }));
    return { labels, segments: [points], newest: points.at(-1) ?? { timeMs: 0, value: 0 } };
  };
  const build = (metric: string, all: readonly DrawnSeries[], most = 6) =>
    buildHistorySpec({ metric, series: all, fromMs: 0, toMs: 60 * MINUTE, timeZone: 'UTC', most });
  const node = (name: string, cluster = 'prod', role = 'etcd') => ({ cluster, node: name, role });

  it('names series by what tells them apart, and says once what they share', () => {
    const spec = build('mem_usage', [series(node('n10'), 10), series(node('n2', 'prod', 'apiserver'), 20)]);
    expect(spec.lines.map(({ name, value }) => [name, value])).toEqual([
      ['n2', '20%'],
      ['n10', '10%'],
    ]);
    expect([spec.title, spec.subtitle]).toEqual([
      'Memory usage',
      'mem_usage · cluster prod · 2 series · last 1h · UTC',
    ]);
  });

  it.each([
    [[node('n1', 'a'), node('n1', 'b')], ['a', 'b'], 'node n1'],
    [
      [
        { bastion: 'gate', batch: '0' },
        { bastion: 'gate', batch: '1' },
      ],
      ['batch=0', 'batch=1'],
      'bastion gate',
    ],
    [[node('n1')], ['prod / n1'], 'mem_usage · 1 series'],
  ])('%j are called %j', (labels, names, caption) => {
    const spec = build(
      'mem_usage',
      labels.map((one) => series(one, 1)),
    );
    expect(spec.lines.map(({ name }) => name)).toEqual(names);
    expect(spec.subtitle).toContain(caption);
  });

  it('of too many keeps the greatest peaks, and of states those that were down', () => {
    const peaks = [series(node('a'), 10, 90, 10), series(node('b'), 50), series(node('c'), 60)];
    const spec = build('mem_usage', peaks, 2);
    expect([spec.lines.map(({ name }) => name), spec.omitted]).toEqual([['a', 'c'], 1]);
    const states = build('up', [series(node('a'), 1), series(node('b'), 1, 0, 1)], 1);
    expect(states.lines.map(({ name, value }) => [name, value])).toEqual([['b', 'up']]);
    const changes = build('host_key_mismatch', [series(node('a'), 0), series(node('b'), 0, 1, 0)], 1);
    expect(changes.lines.map(({ name, value }) => [name, value])).toEqual([['b', 'no']]);
    expect([states.stepped, states.y.ticks.map(({ label }) => label)]).toEqual([true, ['down', 'up']]);
  });
});
