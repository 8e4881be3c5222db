import { findMetric, GROUP_LABELS } from '../catalogue.ts';
import type { LabelGlobs } from '../model/labels.ts';
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
  const { name, window, aggregate, recoveryThreshold } = fields;
  const { where, whereNot, inventory } = selectionOf(fields);
  const { noData, severity, inhibitedBy, supersededBy, summary, runbook } = fields;
  return {
    name,
    title: titleOf(fields),
    ...comparedOf(fields),
    where,
    ...(whereNot && { whereNot }),
    ...(inventory && { inventory }),
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

/** Separates globs on labels of series from those on labels of the inventory. `ruleCheck` has found no other names. */
function selectionOf({
  metric = '',
  ratio,
  ...fields
}: RuleFields): Pick<Rule, 'where' | 'whereNot' | 'inventory'> {
  const group = findMetric(ratio?.of ?? metric)?.group;
  const labels: readonly string[] = group ? GROUP_LABELS[group] : [];
  const split = (globs: LabelGlobs, isOfSeries: boolean) => {
    const own = Object.entries(globs).filter(([label]) => labels.includes(label) === isOfSeries);
    return own.length > 0 ? Object.fromEntries(own) : undefined;
  };
  const [where, whereNot] = [fields.where, fields.whereNot ?? {}];
  const leftOut = split(whereNot, true);
  const [wanted, unwanted] = [split(where, false), split(whereNot, false)];
  const inventory = { ...(wanted && { where: wanted }), ...(unwanted && { whereNot: unwanted }) };
  return {
    where: split(where, true) ?? {},
    ...(leftOut && { whereNot: leftOut }),
    ...((wanted || unwanted) && { inventory }),
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
