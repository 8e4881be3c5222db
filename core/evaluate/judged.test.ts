import { describe, expect, it } from 'vitest';
import type { Rule, Series } from '../model.ts';
import { isGroupGone } from './aggregate.ts';
import { judgedSeries } from './judged.ts';

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
  const judged = (
    values: (number | undefined)[],
    reduce: NonNullable<Rule['window']>['reduce'],
    fromMs = -1,
  ) =>
    valuesOf(
      judgedSeries(
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
    expect(judged([10, 20, 30, 40, 50], reduce)).toEqual(expected);
  });

  it('takes the nearest rank', () => {
    const values = Array.from({ length: 21 }, (_, i) => i + 1);
    const wide = rule({ window: { lastMs: 20 * MINUTE, reduce: 'p95' } });
    const [one] = judgedSeries(
      { rule: wide, series: [series(node('c', 'n'), values)], intervalMs: MINUTE },
      -1,
    );
    expect(one?.points.at(-1)?.value).toBe(20);
  });

  it('has no sample where less than half of what it expects is there', () => {
    expect(judged([10, undefined, undefined, undefined, 50, 60], 'avg')).toEqual({ 5: 55 });
  });

  it('looks back beyond what is judged', () => {
    expect(judged([10, 20, 30, 40, 50], 'avg', 3 * MINUTE)).toEqual({ 4: 35 });
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
  const judged = (op: NonNullable<Rule['aggregate']>['op'], by = ['cluster'], known = targets) =>
    judgedSeries(
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
    expect(valuesOf(judged(op))).toEqual([
      expected,
      op === 'count' ? { 0: 1, 1: 1, 2: 1 } : { 0: 1, 1: 2, 2: 3 },
    ]);
    expect(judged(op).map(({ labels }) => labels)).toEqual([{ cluster: 'a' }, { cluster: 'b' }]);
  });

  it('counts no target that the inventory no longer has', () => {
    const known = targets.filter(({ labels }) => labels.node !== 'n3');
    expect(valuesOf(judged('max', ['cluster'], known))[0]).toEqual({ 0: 30, 1: 20 });
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
    const [first] = judgedSeries({ rule: both, series: members, intervalMs: MINUTE, targets }, -1);
    expect(first?.points.map(({ value }) => value)).toEqual([10, 20]);
  });
});
