import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AGGREGATIONS, REDUCERS, Rule } from '../model/rule.ts';
import type { Series } from '../model/sample.ts';
import { greatestOf, leastOf } from '../numbers/extremes.ts';
import { isGroupGone } from './aggregate.ts';
import { deriveSeries } from './rule-series.ts';

const MINUTE = 60_000;
const node = (cluster: string, name: string) => ({ cluster, node: name, role: 'etcd' });
const series = (labels: Series['labels'], values: (number | undefined)[]): Series => ({
  metric: 'mem_usage',
  labels,
  points: values.flatMap((value, i) => (value === undefined ? [] : [{ timeMs: i * MINUTE, value }])),
});
const rule = (extra: Partial<Rule>): Rule => ({
  name: 'r',
  title: 'R',
  metric: 'mem_usage',
  where: {},
  condition: { kind: 'above', threshold: 90 },
  forMs: 0,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'warning',
  inhibitedBy: [],
  ...extra,
});
const valuesOf = (all: readonly Series[]) =>
  all.map(({ points }) => Object.fromEntries(points.map(({ timeMs, value }) => [timeMs / MINUTE, value])));

describe('a window', () => {
  const derived = (
    values: (number | undefined)[],
    reduce: NonNullable<Rule['window']>['reduce'],
    fromMs = -1,
  ) =>
    valuesOf(
      deriveSeries(
        {
          rule: rule({ window: { lastMs: 4 * MINUTE, reduce } }),
          series: [series(node('c', 'n'), values)],
          intervalMs: MINUTE,
        },
        fromMs,
      ),
    )[0];

  it.each([
    ['avg', { 1: 15, 2: 20, 3: 25, 4: 35 }],
    ['max', { 1: 20, 2: 30, 3: 40, 4: 50 }],
    ['min', { 1: 10, 2: 10, 3: 10, 4: 20 }],
    ['delta', { 1: 10, 2: 20, 3: 30, 4: 30 }],
    ['rate', { 1: 10 / 60, 2: 20 / 120, 3: 30 / 180, 4: 30 / 180 }],
    ['p95', { 1: 20, 2: 30, 3: 40, 4: 50 }],
  ] as const)('reduces by %s, from half of its samples on', (reduce, expected) => {
    expect(derived([10, 20, 30, 40, 50], reduce)).toEqual(expected);
  });

  it('takes the nearest rank', () => {
    const values = Array.from({ length: 21 }, (_, i) => i + 1);
    const wide = rule({ window: { lastMs: 20 * MINUTE, reduce: 'p95' } });
    const [one] = deriveSeries(
      { rule: wide, series: [series(node('c', 'n'), values)], intervalMs: MINUTE },
      -1,
    );
    expect(one?.points.at(-1)?.value).toBe(20);
  });

  it('has no sample where less than half of what it expects is there', () => {
    expect(derived([10, undefined, undefined, undefined, 50, 60], 'avg')).toEqual({ 5: 55 });
  });

  it('looks back beyond what is evaluated', () => {
    expect(derived([10, 20, 30, 40, 50], 'avg', 3 * MINUTE)).toEqual({ 4: 35 });
  });

  it.each([
    ['a counter that starts anew from zero', [100, 160, 20, 80], { 1: 1, 2: 80 / 120, 3: 140 / 180 }],
    ['one that starts anew twice', [100, 40, 10, 70], { 1: 40 / 60, 2: 50 / 120, 3: 110 / 180 }],
    ['one that stands still at zero', [5, 0, 0, 0], { 1: 0, 2: 0, 3: 0 }],
  ])('takes the rate of %s', (_, values, expected) => {
    expect(derived(values, 'rate')).toEqual(expected);
  });

  it('takes the difference of a gauge with its sign', () => {
    expect(derived([50, 40, 20], 'delta')).toEqual({ 1: -10, 2: -30 });
  });

  const measured = fc.oneof(
    fc.integer({ min: 0, max: 1_000 }).map((tenths) => tenths / 10),
    fc.double({ min: 0, max: 1e12, noNaN: true }),
  );

  it('is, of a constant, that constant or no change (property)', () => {
    const still = fc.constantFrom('rate', 'delta' as const);
    const level = fc.constantFrom('avg', 'max', 'min', 'p95' as const);
    fc.assert(
      fc.property(measured, fc.integer({ min: 4, max: 90 }), level, still, (constant, count, how, flat) => {
        const values = Array<number>(count).fill(constant);
        const lastMs = count * MINUTE;
        const of = (reduce: (typeof REDUCERS)[number], op?: (typeof AGGREGATIONS)[number]) =>
          deriveSeries(
            {
              rule: rule({ window: { lastMs, reduce }, ...(op && { aggregate: { by: ['cluster'], op } }) }),
              series: ['n1', 'n2', 'n3'].map((name) => series(node('c', name), values)),
              intervalMs: MINUTE,
            },
            -1,
          ).flatMap(({ points }) => points.map(({ value }) => value));
        expect(of(how).every((value) => value === constant)).toBe(true);
        for (const op of ['avg', 'max', 'min'] as const)
          expect(of(how, op).every((value) => value === constant)).toBe(true);
        expect(of(flat).every((value) => value === 0)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('lies between the least and the greatest, and the rate of no counter is negative (property)', () => {
    fc.assert(
      fc.property(fc.array(measured, { minLength: 4, maxLength: 4 }), (values) => {
        for (const how of ['avg', 'p95', 'max', 'min'] as const) {
          const value = derived(values, how)?.[3] ?? Number.NaN;
          expect(value).toBeGreaterThanOrEqual(leastOf(values));
          expect(value).toBeLessThanOrEqual(greatestOf(values));
        }
        expect(derived(values, 'rate')?.[3]).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('an aggregate', () => {
  const members = [
    series(node('a', 'n1'), [10, 20, undefined]),
    series(node('a', 'n2'), [30, undefined, undefined]),
    series(node('a', 'n3'), [50, 60, 70]),
    series(node('b', 'n1'), [1, 2, 3]),
  ];
  const targets = members.map(({ labels }) => ({ labels }));
  const derived = (op: NonNullable<Rule['aggregate']>['op'], by = ['cluster'], known = targets) =>
    deriveSeries(
      { rule: rule({ aggregate: { by, op } }), series: members, intervalMs: MINUTE, targets: known },
      -1,
    );

  it.each([
    ['avg', { 0: 30, 1: 40 }],
    ['max', { 0: 50, 1: 60 }],
    ['min', { 0: 10, 1: 20 }],
    ['sum', { 0: 90, 1: 80 }],
    ['count', { 0: 3, 1: 2 }],
  ] as const)('combines by %s where half of its targets have a sample', (op, expected) => {
    expect(valuesOf(derived(op))).toEqual([
      expected,
      op === 'count' ? { 0: 1, 1: 1, 2: 1 } : { 0: 1, 1: 2, 2: 3 },
    ]);
    expect(derived(op).map(({ labels }) => labels)).toEqual([{ cluster: 'a' }, { cluster: 'b' }]);
  });

  it('counts no target that the inventory no longer has', () => {
    const known = targets.filter(({ labels }) => labels.node !== 'n3');
    expect(valuesOf(derived('max', ['cluster'], known))[0]).toEqual({ 0: 30, 1: 20 });
  });

  it('is gone with the last of its targets', () => {
    const one = rule({ aggregate: { by: ['cluster'], op: 'max' } });
    expect(isGroupGone({ rule: one, targets }, { cluster: 'b' })).toBe(false);
    expect(isGroupGone({ rule: one, targets: targets.slice(0, 3) }, { cluster: 'b' })).toBe(true);
    expect(
      isGroupGone(
        { rule: rule({ aggregate: { by: ['bastion'], op: 'max' } }), targets: [] },
        { bastion: 'b' },
      ),
    ).toBe(false);
  });

  it('follows the window', () => {
    const both = rule({
      window: { lastMs: 2 * MINUTE, reduce: 'max' },
      aggregate: { by: ['cluster'], op: 'min' },
    });
    const [first] = deriveSeries({ rule: both, series: members, intervalMs: MINUTE, targets }, -1);
    expect(first?.points.map(({ value }) => value)).toEqual([10, 20]);
  });
});
