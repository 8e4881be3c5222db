// Which samples the rules in force still read.

import { lookBackMs } from './evaluate/range.ts';
import { createIntervals, type Intervals, ruleIntervals } from './intervals.ts';
import type { Config } from './model/config.ts';
import type { Rule } from './model/rule.ts';
import { greatestOf } from './numbers/extremes.ts';

/** An alert whose series is absent needs an hour of rounds (docs/rules.md), and a picture shows some time before the alert. */
const LEAST_MS = 2 * 3_600_000;

/** How old the samples may be that a rule reads. */
export function readsBackMs(rule: Rule, intervals: Intervals, latenessMs: number): number {
  const { forMs, keepFiringForMs } = rule;
  return forMs + keepFiringForMs + lookBackMs(rule, ruleIntervals(intervals, rule, [])) + latenessMs;
}

/** How far back any rule in force reads: younger samples are never deleted for lack of room. */
export function neededMs({ rules, checks, schedule }: Pick<Config, 'rules' | 'checks' | 'schedule'>): number {
  const intervals = createIntervals(checks);
  const { latenessMs } = schedule;
  return greatestOf([
    LEAST_MS + latenessMs,
    ...rules.map((rule) => readsBackMs(rule, intervals, latenessMs)),
  ]);
}
