import type { Condition, Rule } from '../model/rule.ts';

export type Test = (value: number) => boolean;

/** Whether a value breaches the rule's condition. All comparisons are strict. */
export function breachTest(condition: Condition): Test {
  switch (condition.kind) {
    case 'above':
      return (value) => value > condition.threshold;
    case 'below':
      return (value) => value < condition.threshold;
    case 'outside':
      return (value) => value < condition.low || value > condition.high;
    case 'equals':
      return (value) => value === condition.value;
  }
}

/** Whether a value keeps a firing alert firing: by `recoveryThreshold` where the rule has one. */
export function firingTest(rule: Pick<Rule, 'condition' | 'recoveryThreshold'>): Test {
  return breachTest(withRecovery(rule.condition, rule.recoveryThreshold));
}

function withRecovery(condition: Condition, recovery: Rule['recoveryThreshold']): Condition {
  if (recovery === undefined || condition.kind === 'equals') return condition;
  if (typeof recovery !== 'number') {
    return condition.kind === 'outside'
      ? { kind: 'outside', low: recovery[0], high: recovery[1] }
      : condition;
  }
  return condition.kind === 'outside' ? condition : { kind: condition.kind, threshold: recovery };
}
