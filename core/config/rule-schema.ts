import { type Condition, type Rule, SEVERITIES } from '../model/rule.ts';
import { conditionOf, ruleCheck, tieredRuleCheck, tierOf } from './rule-check.ts';
import { type RuleFields, ruleFields, tieredRuleFields } from './rule-fields.ts';
import { tierName } from './rule-names.ts';

/** Validates one rule and fills in its defaults. Messages name the field and what to write instead. */
export const ruleSchema = ruleFields.superRefine(...ruleCheck).transform(ruleOf);

/** The same of a rule that may have tiers: one rule for each, the highest first. */
export const tieredRuleSchema = tieredRuleFields
  .superRefine(...tieredRuleCheck)
  .transform(({ tiers, ...fields }): Rule[] => {
    if (!tiers) return [ruleOf(fields)];
    const worse = [...fields.supersededBy];
    return SEVERITIES.toReversed().flatMap((severity) => {
      const tier = tiers[severity];
      if (!tier) return [];
      const name = tierName(fields.name, severity);
      const rule = ruleOf({ ...tierOf(fields, tier), name, severity, supersededBy: [...worse] });
      worse.push(name);
      return [{ ...rule, title: titleOf(fields) }];
    });
  });

function ruleOf(fields: RuleFields): Rule {
  const condition = conditionOf(fields) as Condition;
  const { name, where, whereNot = {}, window, aggregate, recoveryThreshold } = fields;
  const { noData, severity, inhibitedBy, supersededBy, summary, runbook } = fields;
  return {
    name,
    title: titleOf(fields),
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
    ...(supersededBy.length > 0 && { supersededBy }),
    ...(summary !== undefined && { summary }),
    ...(runbook !== undefined && { runbook }),
  };
}

/** `ruleCheck` has made sure that one of the two is there. */
function comparedOf({ metric = '', ratio }: RuleFields): Pick<Rule, 'metric' | 'over'> {
  return ratio ? { metric: ratio.of, over: ratio.over } : { metric };
}

function windowOf({ last, reduce, in: aheadMs }: NonNullable<RuleFields['window']>): Rule['window'] {
  return { lastMs: last, reduce, ...(aheadMs !== undefined && { aheadMs }) };
}

/** Without a title: `memory-usage` → `Memory usage`. */
function titleOf({ name, title }: Pick<RuleFields, 'name' | 'title'>): string {
  if (title !== undefined) return title;
  const made = name.replace(/[-_.]+/g, ' ').trim();
  return made.charAt(0).toUpperCase() + made.slice(1);
}
