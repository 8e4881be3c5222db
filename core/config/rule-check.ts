// Checks across the fields of a rule.

import { findMetric, GROUP_LABELS, METRICS, type Metric } from '../catalogue.ts';
import { type Condition, SEVERITIES } from '../model/rule.ts';
import { choose, quoted } from '../text/suggestions.ts';
import { mayBeInventoryLabel } from './inventory-labels.ts';
import type { RuleFields, TieredRuleFields } from './rule-fields.ts';
import { type Issue, wholeCheck } from './whole-check.ts';

export const CONDITIONS = ['above', 'below', 'outside', 'equals'] as const;

/** The valid fields. */
type Fields = Partial<RuleFields>;

/** Each message names the field, and what to write instead. */
export const ruleCheck = wholeCheck<RuleFields>((all, issue, isRight) => {
  const fields: Fields = Object.fromEntries(
    Object.entries(all).filter(([field]) => isRight(field as keyof RuleFields)),
  );
  checkMetric(fields, issue);
  checkWindow(fields, issue);
  if (CONDITIONS.every(isRight)) checkCondition(fields, issue);
});

/** The same for a rule with tiers: each tier is checked as the rule that it makes. */
export const tieredRuleCheck = wholeCheck<TieredRuleFields>((all, issue, isRight) => {
  const { tiers, ...fields }: Partial<TieredRuleFields> = Object.fromEntries(
    Object.entries(all).filter(([field]) => isRight(field as keyof TieredRuleFields)),
  );
  checkMetric(fields, issue);
  checkWindow(fields, issue);
  if (!CONDITIONS.every(isRight) || !isRight('tiers')) return;
  if (!tiers) checkCondition(fields, issue);
  else if (Object.keys(tiers).length === 0)
    issue(['tiers'], `\`tiers\` names no tier; write one of ${SEVERITIES.map(quoted).join(', ')}`);
  for (const severity of SEVERITIES) {
    const tier = tiers?.[severity];
    if (!tier) continue;
    const within: Issue = ([field, ...rest], message) => {
      const at = ['tiers', severity];
      if (field === undefined || field in tier) issue([...at, ...(field ? [field, ...rest] : [])], message);
      else issue(at, `${quoted(field)} of the rule does not fit this tier: it ${message}`);
    };
    checkWindow(tier, within);
    checkCondition(tierOf(fields, tier), within);
  }
});

/** The fields of a rule with those of one of its tiers over them. A condition replaces that of the rule. */
export function tierOf<T extends Fields>(fields: T, tier: Fields): T {
  const isOver = conditionOf(tier) !== undefined;
  const kept = Object.entries(fields).filter(
    ([field]) => !isOver || !(CONDITIONS as readonly string[]).includes(field),
  );
  const written = Object.entries(tier).filter(([, value]) => value !== undefined);
  return Object.fromEntries([...kept, ...written]) as T;
}

function checkMetric(fields: Fields, issue: Issue): void {
  const { metric, ratio } = fields;
  if (metric === undefined && !ratio)
    issue(['metric'], 'a rule needs a `metric`, or the `ratio` of two', 'ratio');
  if (metric !== undefined && ratio)
    issue(['ratio'], 'a rule compares a `metric` or a `ratio`; take one of them out');
  const named = [
    { name: metric, path: ['metric'] },
    { name: ratio?.of, path: ['ratio', 'of'] },
    { name: ratio?.over, path: ['ratio', 'over'] },
  ].flatMap(({ name, path }) => (name === undefined ? [] : [{ name, path, metric: findMetric(name) }]));
  const names = METRICS.map(({ name }) => name);
  for (const { name, path } of named.filter((one) => !one.metric))
    issue(path, `there is no metric ${quoted(name)}; ${choose(name, names, 'there are')}`);
  if ((metric !== undefined && ratio) || named.some((one) => !one.metric)) return;
  const [of, over] = named.map((one) => one.metric);
  const unfit = of && over && ratioProblem(of, over);
  if (unfit) issue(['ratio', 'over'], unfit);
  else if (of) checkLabels(of, fields, issue);
}

/** Why `of` cannot be divided by `over`. */
function ratioProblem(of: Metric, over: Metric): string | undefined {
  const state = [of, over].find(({ unit }) => unit === 'bool');
  if (state)
    return `\`${state.name}\` is yes or no, not a number; write a rule on \`metric: ${state.name}\` instead`;
  if (of.name === over.name) return 'a metric over itself is always 100%; write another metric';
  const ofNode = over.group === 'node' && GROUP_LABELS.node.every((label) => labelsOf(of).includes(label));
  if (of.group === over.group || ofNode) return undefined;
  const [mine, others] = [labelsOf(of).join(', '), labelsOf(over).join(', ')];
  const what =
    mine === others
      ? `\`${over.name}\` and \`${of.name}\` measure different objects, though both have the labels ${mine}`
      : `\`${over.name}\` has the labels ${others}, and \`${of.name}\` has ${mine}`;
  return `${what}; divide by a metric of the same group in the catalogue, or by one of the node`;
}

function labelsOf({ group }: Metric): readonly string[] {
  return GROUP_LABELS[group];
}

function checkLabels(metric: Metric, { where = {}, whereNot = {}, aggregate }: Fields, issue: Issue): void {
  const used = [
    ...Object.keys(where).map((label) => ({ label, path: ['where', label] })),
    ...Object.keys(whereNot).map((label) => ({ label, path: ['whereNot', label] })),
    ...(aggregate?.by ?? []).map((label, i) => ({ label, path: ['aggregate', 'by', String(i)] })),
  ];
  const labels = labelsOf(metric);
  const isOfNodes = labels.includes('node');
  for (const { label, path } of used.filter((one) => !labels.includes(one.label))) {
    // Whether a cluster or node has such a label is checked across the file.
    const mayBeOfInventory = isOfNodes && path[0] !== 'aggregate' && mayBeInventoryLabel(label);
    if (!mayBeOfInventory)
      issue(path, `\`${metric.name}\` has no label ${quoted(label)}; it has ${labels.join(', ')}`);
    else if (aggregate)
      issue(
        path,
        `a rule with \`aggregate\` cannot select by ${quoted(label)}, a label of the inventory; it can by ${labels.join(', ')}`,
      );
  }
}

function checkCondition(fields: Fields, issue: Issue): void {
  const condition = conditionOf(fields);
  const [first, ...more] = CONDITIONS.filter((name) => fields[name] !== undefined);
  if (!condition) issue([], 'a rule needs one of `above`, `below`, `outside` or `equals`');
  for (const name of more) issue([name], `a rule has one condition; keep either \`${first}\` or \`${name}\``);
  if (!condition || more.length > 0) return;
  const message = recoveryProblem(fields.recoveryThreshold, condition);
  if (message) issue(['recoveryThreshold'], message);
}

/** The recovery bound must lie on the healthy side of the condition: else an alert would flap or never resolve. */
function recoveryProblem(
  recovery: RuleFields['recoveryThreshold'],
  condition: Condition,
): string | undefined {
  if (recovery === undefined) return undefined;
  if (condition.kind === 'equals') return '`equals` has no recovery threshold: any other value is over it';
  if (condition.kind === 'outside') {
    if (typeof recovery !== 'object') return 'two bounds go with `outside`: [low, high]';
    const { low, high } = condition;
    const isInside = recovery[0] >= low && recovery[1] <= high;
    return isInside ? undefined : `must lie within \`outside: [${low}, ${high}]\``;
  }
  const { kind, threshold } = condition;
  if (typeof recovery === 'object') return `one number goes with \`${kind}\``;
  if (kind === 'above' ? recovery <= threshold : recovery >= threshold) return undefined;
  return `must not be ${kind === 'above' ? 'greater' : 'smaller'} than \`${kind}: ${threshold}\``;
}

function checkWindow({ window }: Fields, issue: Issue): void {
  const { reduce, in: aheadMs } = window ?? {};
  const path = ['window', 'in'];
  if (reduce === 'forecast' && aheadMs === undefined)
    issue(path, 'a forecast needs a time ahead; write how far, like `in: 24h`');
  if (reduce === 'forecast' && aheadMs !== undefined && aheadMs <= 0)
    issue(path, 'this must be longer than 0s');
  if (reduce !== 'forecast' && aheadMs !== undefined)
    issue(path, `\`in\` goes with \`reduce: forecast\`; take it out, or write that for \`${reduce}\``);
}

/** The condition of a rule; the first if there are several. */
export function conditionOf({ above, below, outside, equals }: Fields): Condition | undefined {
  if (above !== undefined) return { kind: 'above', threshold: above };
  if (below !== undefined) return { kind: 'below', threshold: below };
  if (outside !== undefined) return { kind: 'outside', low: outside[0], high: outside[1] };
  if (equals !== undefined) return { kind: 'equals', value: equals };
  return undefined;
}
