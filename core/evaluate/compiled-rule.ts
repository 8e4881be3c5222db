import type { NoDataPolicy, Rule } from '../model/rule.ts';
import { breachTest, firingTest, type Test } from './condition.ts';

/** A rule with its condition compiled to predicates. */
export interface CompiledRule {
  breaches: Test;
  staysFiring: Test;
  forMs: number;
  keepFiringForMs: number;
  noData: NoDataPolicy;
}

export function compileRule(rule: Rule): CompiledRule {
  const { condition, forMs, keepFiringForMs, noData } = rule;
  const tests = { breaches: breachTest(condition), staysFiring: firingTest(rule) };
  return { ...tests, forMs, keepFiringForMs, noData };
}
