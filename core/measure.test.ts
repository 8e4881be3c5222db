import { expect, it } from 'vitest';
import { conditionOf, measureOf } from './measure.ts';
import type { Rule } from './model/rule.ts';

const above = { condition: { kind: 'above', threshold: 1024 } } as const;

it.each<[string, Pick<Rule, 'metric' | 'over' | 'window' | 'aggregate'>, string]>([
  ['a metric', { metric: 'mem_total' }, '> 1 KiB'],
  ['what no catalogue knows', { metric: 'gone' }, '> 1024'],
  ['a rate', { metric: 'mem_total', window: { lastMs: 1, reduce: 'rate' } }, '> 1 KiB/s'],
  ['a ratio of one unit', { metric: 'disk_size', over: 'mem_total' }, '> 1024%'],
  ['a ratio to a number', { metric: 'mem_total', over: 'cores' }, '> 1 KiB'],
  ['a ratio of other units', { metric: 'uptime', over: 'mem_total' }, '> 1024'],
  ['a mean', { metric: 'mem_total', window: { lastMs: 1, reduce: 'avg' } }, '> 1 KiB'],
  ['a number of series', { metric: 'mem_total', aggregate: { by: [], op: 'count' } }, '> 1024'],
  ['a sum', { metric: 'mem_total', aggregate: { by: [], op: 'sum' } }, '> 1 KiB'],
  [
    'a forecast',
    { metric: 'mem_total', window: { lastMs: 1, reduce: 'forecast', aheadMs: 5_400_000 } },
    '> 1 KiB in 1h30m',
  ],
])('has the unit of %s', (_, rule, text) => expect(conditionOf({ ...rule, ...above })).toBe(text));

it('counts nodes that are up, and names no state', () => {
  expect(measureOf({ metric: 'up', aggregate: { by: [], op: 'count' } })).toEqual({
    name: 'up',
    unit: 'count',
  });
  expect(measureOf({ metric: 'up' })).toEqual({ name: 'up', unit: 'bool', states: ['down', 'up'] });
});

it('names both sides of a ratio', () => {
  expect(measureOf({ metric: 'load15', over: 'cores' })).toEqual({ name: 'load15 / cores', unit: 'percent' });
});
