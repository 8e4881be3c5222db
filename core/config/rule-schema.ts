import type { Condition, Rule } from '../model/rule.ts';
import { conditionOf, ruleCheck } from './rule-check.ts';
import { type RuleFields, ruleFields } from './rule-fields.ts';

/** Validates a rule and fills in its defaults. Messages name the field and what to write instead. */
export const ruleSchema = ruleFields.superRefine(...ruleCheck).transform((fields): Rule => {
  const condition = conditionOf(fields) as Condition;
  const { name, title, where, whereNot = {}, window, aggregate, recoveryThreshold } = fields;
  const { noData, severity, inhibitedBy, summary, runbook } = fields;
  return {
    name,
    title: title ?? titleFrom(name),
    ...comparedOf(fields),
    where,
    ...(Object.keys(whereNot).length > 0 && { whereNot }),
    ...(window !== undefined && { window: windowOf(window) }),
    ...(aggregate !== undefined && { aggregate }),
    condition,
    ...(recoveryThreshold !== undefined && { recoveryThreshold }),
    forMs: fields.for,
    keepFiringForMs: fields.keepFiringFor,
    noData,
    severity,
    inhibitedBy,
    ...(summary !== undefined && { summary }),
    ...(runbook !== undefined && { runbook }),
  };
});

/** `ruleCheck` has made sure that one of the two is there. */
function comparedOf({ metric = '', ratio }: RuleFields): Pick<Rule, 'metric' | 'over'> {
  return ratio ? { metric: ratio.of, over: ratio.over } : { metric };
}

function windowOf({ last, reduce, in: aheadMs }: NonNullable<RuleFields['window']>): Rule['window'] {
  return { lastMs: last, reduce, ...(aheadMs !== undefined && { aheadMs }) };
}

/** `memory-usage` → `Memory usage`. */
function titleFrom(name: string): string {
  const title = name.replace(/[-_.]+/g, ' ').trim();
  return title.charAt(0).toUpperCase() + title.slice(1);
}
