import type { NoDataPolicy, Rule } from '../model.ts';
import { breachTest, firingTest, type Test } from './condition.ts';

/** A rule, made ready to judge values. */
export interface Judge {
  breaches: Test;
  staysFiring: Test;
  forMs: number;
  keepFiringForMs: number;
  noData: NoDataPolicy;
  intervalMs: number;
}

export function createJudge(rule: Rule, intervalMs: number): Judge {
  const { condition, forMs, keepFiringForMs, noData } = rule;
  const tests = { breaches: breachTest(condition), staysFiring: firingTest(rule) };
  return { ...tests, forMs, keepFiringForMs, noData, intervalMs };
}
