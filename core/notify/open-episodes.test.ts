import { expect, it } from 'vitest';
import { opened, rule } from '../../test/incidents.ts';
import type { Rule } from '../model/rule.ts';
import { entryOf } from './open-episodes.ts';

it.each<[string, Partial<Rule>, boolean]>([
  ['with another threshold', { condition: { kind: 'above', threshold: 80 } }, true],
  ['of another metric', { metric: 'cpu_usage' }, false],
  ['that is a ratio now', { over: 'swap_usage' }, false],
])('follows a rule %s only where values mean the same', (_, change, follows) => {
  const today = rule('memory', change);
  const input = {
    incidents: [],
    firing: [],
    onTheirWay: new Set<string>(),
    config: { rules: [today], routes: [], channels: [] },
    alone: true,
    retryNow: false,
    nowMs: 2_000,
  };
  const { next } = entryOf({ value: opened(), version: 1 }, input);
  expect(next.rules.memory).toEqual(follows ? today : rule());
});
