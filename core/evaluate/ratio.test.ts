import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Labels } from '../model/labels.ts';
import type { Series } from '../model/sample.ts';
import { ratioSeries } from './ratio.ts';
import { deriveSeries } from './rule-series.ts';

const MINUTE = 60_000;
const node = (name: string): Labels => ({ cluster: 'c', node: name, role: 'etcd' });
const series = (metric: string, values: (number | undefined)[], labels: Labels = node('n1')): Series => ({
  metric,
  labels,
  points: values.flatMap((value, i) => (value === undefined ? [] : [{ timeMs: i * MINUTE, value }])),
});
const times = <T>(count: number, value: T): T[] => Array<T>(count).fill(value);
const load = { metric: 'load1', over: 'cores' };
const ratio = (all: readonly Series[], rule = load, intervalMs = MINUTE, fromMs = -1) =>
  ratioSeries(rule, all, () => intervalMs, fromMs).map(({ labels, points }) => [
    labels.mount ?? labels.node,
    Object.fromEntries(points.map(({ timeMs, value }) => [timeMs / MINUTE, value])),
  ]);
const gap = undefined;

describe('a ratio', () => {
  it('is the quotient of both sides, for each label set that both have', () => {
    const other = [series('cores', [8], node('n2')), series('load1', [9], node('n3'))];
    expect(ratio([series('load1', [1, 2]), series('cores', [4, 4]), ...other])).toEqual([
      ['n1', { 0: 25, 1: 50 }],
    ]);
  });

  it('has the newest value of each side while that is current, and not longer', () => {
    const often = [4, 4, 4, 4, 4, 4, 4, 4];
    const once = [4, ...times(6, gap), 4];
    const current = { 0: 100, 1: 100, 2: 100, 3: 100, 4: 100, 5: 100, 7: 100 };
    expect(ratio([series('load1', once), series('cores', often)])).toEqual([['n1', current]]);
    expect(ratio([series('load1', often), series('cores', once)])).toEqual([['n1', current]]);
  });

  it('goes by the interval of each side, which need not be the same', () => {
    const sides = [series('load1', times(40, 4)), series('cores', [2, ...times(39, gap)])];
    const intervalOf = (metric: string) => (metric === 'cores' ? 15 : 1) * MINUTE;
    const [found] = ratioSeries(load, sides, intervalOf, -1);
    expect(found?.points.map(({ timeMs }) => timeMs / MINUTE)).toEqual(times(31, 0).map((_, i) => i));
    const turned = (metric: string) => (metric === 'load1' ? 15 : 1) * MINUTE;
    expect(ratioSeries(load, sides, turned, -1)[0]?.points).toHaveLength(6);
  });

  it('is none where a side is missing, or the divisor is 0', () => {
    expect(ratio([series('load1', [1, 2])])).toEqual([]);
    expect(ratio([series('cores', [1, 2])])).toEqual([]);
    expect(ratio([series('load1', [1, 0, 3]), series('cores', [0, 0, 1])])).toEqual([['n1', { 2: 300 }]]);
  });

  it('divides what a node has several of by what it has one of', () => {
    const disk = (mount: string, value: number, name = 'n1') =>
      series('disk_size', [value], { ...node(name), mount, device: 'd' });
    const all = [disk('/', 20), disk('/var', 5), disk('/', 9, 'n2'), series('mem_total', [10])];
    expect(ratio(all, { metric: 'disk_size', over: 'mem_total' })).toEqual([
      ['/', { 0: 200 }],
      ['/var', { 0: 50 }],
    ]);
  });

  it('keeps the unit of what is divided by a number', () => {
    const all = [series('mem_total', [64]), series('cores', [4])];
    expect(ratio(all, { metric: 'mem_total', over: 'cores' })).toEqual([['n1', { 0: 16 }]]);
  });

  it('is evaluated from a time on, with the newest values of before', () => {
    const all = [series('load1', [gap, gap, 5, 6]), series('cores', [gap, 4, gap, gap])];
    expect(ratio(all, load, MINUTE, 2 * MINUTE)).toEqual([['n1', { 3: 150 }]]);
  });

  it('has windows and aggregates behind it', () => {
    const all = ['n1', 'n2'].flatMap((name, i) => [
      series('load1', [1, 4 + i, 2], node(name)),
      series('cores', [4, 4, 4], node(name)),
    ]);
    const rule = {
      ...{ name: 'r', title: 'R', where: {}, condition: { kind: 'above', threshold: 0 } as const },
      ...{
        forMs: 0,
        keepFiringForMs: 0,
        noData: 'keepLast' as const,
        severity: 'info' as const,
        inhibitedBy: [],
      },
      ...load,
      window: { lastMs: 2 * MINUTE, reduce: 'max' as const },
      aggregate: { by: ['cluster'], op: 'sum' as const },
    };
    const targets = ['n1', 'n2'].map((name) => ({ labels: node(name) }));
    const [one] = deriveSeries({ rule, series: all, intervalMs: MINUTE, targets }, 0);
    expect(one).toMatchObject({ labels: { cluster: 'c' }, points: [{ value: 225 }, { value: 225 }] });
  });

  it('is 100% of equal series, to the bit (property)', () => {
    const values = fc.array(fc.double({ min: 1e-9, max: 1e15, noNaN: true }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(values, (drawn) => {
        const points = ratioSeries(
          load,
          [series('load1', drawn), series('cores', drawn)],
          () => MINUTE,
          -1,
        )[0]?.points;
        expect(points?.map(({ value }) => value)).toEqual(drawn.map(() => 100));
      }),
    );
  });

  it('is p% of whole numbers that are p to 100 (property)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 1, max: 1e9 }), (percent, unit) => {
        const sides = [series('load1', [percent * unit]), series('cores', [100 * unit])];
        expect(ratio(sides)).toEqual([['n1', { 0: percent }]]);
      }),
    );
  });

  it('times its divisor is its dividend, wherever it has a value (property)', () => {
    const side = fc.array(fc.option(fc.double({ min: -1e6, max: 1e6, noNaN: true })), { maxLength: 30 });
    const newest = (values: readonly (number | null)[], at: number) =>
      [0, 1, 2, 3, 4, 5]
        .map((back) => at - back)
        .map((i) => values[i])
        .find((value) => value !== null && value !== undefined);
    fc.assert(
      fc.property(side, side, (of, over) => {
        const sides = [
          series(
            'load1',
            of.map((value) => value ?? undefined),
          ),
          series(
            'cores',
            over.map((value) => value ?? undefined),
          ),
        ];
        const found = new Map(
          ratioSeries(load, sides, () => MINUTE, -1).flatMap(({ points }) =>
            points.map(({ timeMs, value }) => [timeMs / MINUTE, value]),
          ),
        );
        for (let i = 0; i < Math.max(of.length, over.length); i++) {
          const [dividend, divisor] = [newest(of, i), newest(over, i)];
          const isTime = (of[i] ?? over[i] ?? null) !== null;
          const value = found.get(i);
          if (!isTime || dividend === undefined || !divisor) expect(value).toBeUndefined();
          else if (value !== undefined) {
            const back = (value / 100) * divisor;
            expect(Math.abs(back - dividend)).toBeLessThanOrEqual(
              1e-12 * Math.max(1e-300, Math.abs(dividend)),
            );
          } else expect(Number.isFinite((100 * dividend) / divisor)).toBe(false);
        }
      }),
    );
  });
});
