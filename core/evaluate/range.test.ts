import { expect, it } from 'vitest';
import type { Checkpoint } from '../model/checkpoint.ts';
import type { Rule } from '../model/rule.ts';
import { ruleHash } from './identity.ts';
import { expectedTargets, lookBackMs, partialFromMs } from './range.ts';

const MINUTE = 60_000;
const NOW = 1_000;
const rule: Rule = {
  name: 'r',
  title: 'R',
  metric: 'mem_usage',
  where: {},
  aggregate: { by: ['role'], op: 'avg' },
  condition: { kind: 'above', threshold: 90 },
  forMs: 10 * MINUTE,
  keepFiringForMs: 5 * MINUTE,
  noData: 'keepLast',
  severity: 'warning',
  inhibitedBy: [],
};
const settledAt = (minute: number, hash = ruleHash(rule)): Checkpoint => ({
  version: 1,
  ruleHash: hash,
  metric: rule.metric,
  startedAtMs: 0,
  settledToMs: minute * MINUTE,
  evaluatedToMs: (minute + 15) * MINUTE,
  series: [],
  emitted: [],
});
/** Lateness twice, the hold twice, keepFiringFor. */
const FIRST = NOW - 30 - 20 - 5;

it.each([
  ['behind what the fleet has settled', settledAt(NOW - 16), NOW - 16 + 1 / MINUTE],
  ['where the fleet lags behind its shards', settledAt(NOW - 100), NOW - 100 + 1 / MINUTE],
  ['behind that also after three hours', settledAt(NOW - 195), NOW - 195 + 1 / MINUTE],
  ['as for a first evaluation where the fleet was not evaluated for longer', settledAt(NOW - 196), FIRST],
  ['far enough for a first evaluation of an earlier round', undefined, FIRST],
  ['as far for an edited rule', settledAt(NOW - 16, 'other'), FIRST],
  ['as far for a round that the fleet has settled', settledAt(NOW), FIRST],
])('a part begins %s', (_, checkpoint, expectedMin) => {
  const input = { rule, intervalMs: MINUTE, latenessMs: 15 * MINUTE, checkpoint, nowMs: NOW * MINUTE };
  expect(partialFromMs(input)).toBe(Math.round(expectedMin * MINUTE));
});

it('looks back as far as windows and ratios do', () => {
  const window = { lastMs: 10 * MINUTE, reduce: 'avg' } as const;
  expect(lookBackMs({}, { intervalMs: MINUTE })).toBe(0);
  expect(lookBackMs({ window }, { intervalMs: MINUTE })).toBe(10 * MINUTE);
  expect(lookBackMs({ over: 'cores' }, { intervalMs: 5 * MINUTE })).toBe(10 * MINUTE);
  expect(lookBackMs({ window, over: 'cores' }, { intervalMs: MINUTE })).toBe(15 * MINUTE);
  const aggregate = { by: ['cluster'], op: 'max' } as const;
  expect(lookBackMs({ aggregate }, { intervalMs: MINUTE })).toBe(0);
  expect(lookBackMs({ aggregate }, { intervalMs: 60 * MINUTE, intervalOf: () => MINUTE })).toBe(60 * MINUTE);
});

it('expects the metric in no target that `whereNot` leaves out; labels of samples leave none out', () => {
  const targets = ['n1', 'n2', 'n3'].map((node) => ({ cluster: 'c', node, role: 'etcd' as const }));
  const namesOf = (whereNot: Rule['whereNot']) =>
    expectedTargets({ where: { node: ['n?'] }, whereNot }, targets).map(({ labels }) => labels.node);
  expect(namesOf({ node: ['n2'] })).toEqual(['n1', 'n3']);
  expect(namesOf({ node: ['x'], cluster: ['c'] })).toEqual([]);
  expect(namesOf({ mount: ['*'] })).toEqual(['n1', 'n2', 'n3']);
});
