// What the fields of a rule must fulfil together.

import { findMetric, GROUP_LABELS, METRICS, type Metric } from '../catalogue.ts';
import type { Condition } from '../model/rule.ts';
import { choose, quoted } from '../text/suggestions.ts';
import type { RuleFields } from './rule-fields.ts';
import { wholeCheck } from './whole-check.ts';

const CONDITIONS = ['above', 'below', 'outside', 'equals'] as const;

interface RuleProblem {
  path: readonly string[];
  message: string;
  /** The field may be missing where this one is there. */
  insteadOf?: string;
}

/** Each problem names the field, and what to write instead. */
export const ruleCheck = wholeCheck<RuleFields>((fields, issue, isRight) => {
  const right = Object.fromEntries(Object.entries(fields).filter(([field]) => isRight(field as never)));
  const checked = right as Partial<RuleFields>;
  const problems = [...metricProblems(checked), ...windowProblems(checked)];
  if (CONDITIONS.every(isRight)) problems.push(...conditionProblems(checked));
  for (const { path, message, insteadOf } of problems) issue(path, message, insteadOf);
});

type Checked = Partial<RuleFields>;

function metricProblems({ metric, ratio, ...fields }: Checked): RuleProblem[] {
  if (metric === undefined && !ratio) {
    return [
      { path: ['metric'], message: 'a rule needs a `metric`, or the `ratio` of two', insteadOf: 'ratio' },
    ];
  }
  const compared = metric === undefined ? [] : [{ name: metric, path: ['metric'] }];
  const divided = ratio
    ? [
        { name: ratio.of, path: ['ratio', 'of'] },
        { name: ratio.over, path: ['ratio', 'over'] },
      ]
    : [];
  const unknown = [...compared, ...divided]
    .filter(({ name }) => !findMetric(name))
    .map(({ name, path }) => ({ path, message: noMetric(name) }));
  if (metric !== undefined && ratio) {
    const message = 'a rule compares a `metric` or a `ratio`; take one of them out';
    return [{ path: ['ratio'], message }, ...unknown];
  }
  if (unknown.length > 0) return unknown;
  const [of, over] = [...compared, ...divided].map(({ name }) => findMetric(name));
  const unfit = of && over && ratioProblem(of, over);
  if (unfit) return [{ path: ['ratio', 'over'], message: unfit }];
  return of ? labelProblems(of, fields) : [];
}

function noMetric(name: string): string {
  const names = METRICS.map((known) => known.name);
  return `there is no metric ${quoted(name)}; ${choose(name, names, 'there are')}`;
}

/** Why one cannot be divided by the other. */
function ratioProblem(of: Metric, over: Metric): string | undefined {
  const state = [of, over].find(({ unit }) => unit === 'bool');
  if (state)
    return `\`${state.name}\` is yes or no, and no number; write a rule on \`metric: ${state.name}\` instead`;
  if (of.name === over.name) return 'a metric over itself is always 100%; write another metric';
  const [mine, others] = [GROUP_LABELS[of.group], GROUP_LABELS[over.group]].map((labels) =>
    labels.join(', '),
  );
  const ofNode = over.group === 'node' && GROUP_LABELS.node.every((label) => hasLabel(of, label));
  if (of.group === over.group || ofNode) return undefined;
  const what =
    mine === others
      ? `\`${over.name}\` is of other things than \`${of.name}\`, though both have the labels ${mine}`
      : `\`${over.name}\` has the labels ${others}, and \`${of.name}\` has ${mine}`;
  return `${what}; divide by a metric of the same group in the catalogue, or by one of the node`;
}

function hasLabel({ group }: Metric, label: string): boolean {
  const labels: readonly string[] = GROUP_LABELS[group];
  return labels.includes(label);
}

function labelProblems(
  metric: Metric,
  { where = {}, whereNot = {}, aggregate }: Pick<Checked, 'where' | 'whereNot' | 'aggregate'>,
): RuleProblem[] {
  const used = [
    ...Object.keys(where).map((label) => ({ label, path: ['where', label] })),
    ...Object.keys(whereNot).map((label) => ({ label, path: ['whereNot', label] })),
    ...(aggregate?.by ?? []).map((label, i) => ({ label, path: ['aggregate', 'by', String(i)] })),
  ];
  return used
    .filter(({ label }) => !hasLabel(metric, label))
    .map(({ label, path }) => ({
      path,
      message: `\`${metric.name}\` has no label ${quoted(label)}; it has ${GROUP_LABELS[metric.group].join(', ')}`,
    }));
}

function conditionProblems(fields: Checked): RuleProblem[] {
  const condition = conditionOf(fields);
  const given = CONDITIONS.filter((name) => fields[name] !== undefined);
  if (!condition) {
    return [{ path: [], message: 'a rule needs one of `above`, `below`, `outside` or `equals`' }];
  }
  if (given.length > 1) {
    return given.slice(1).map((name) => ({
      path: [name],
      message: `a rule has one condition; keep either \`${given[0]}\` or \`${name}\``,
    }));
  }
  const message = recoveryProblem(fields.recoveryThreshold, condition);
  return message ? [{ path: ['recoveryThreshold'], message }] : [];
}

/** The recovery bound lies on the side of health: else an alert would flap or never resolve. */
function recoveryProblem(
  recovery: RuleFields['recoveryThreshold'],
  condition: Condition,
): string | undefined {
  if (recovery === undefined) return undefined;
  const pair = typeof recovery === 'object';
  switch (condition.kind) {
    case 'above':
      if (pair) return 'one number goes with `above`';
      return recovery > condition.threshold
        ? `must not be greater than \`above: ${condition.threshold}\``
        : undefined;
    case 'below':
      if (pair) return 'one number goes with `below`';
      return recovery < condition.threshold
        ? `must not be smaller than \`below: ${condition.threshold}\``
        : undefined;
    case 'outside':
      if (!pair) return 'two bounds go with `outside`: [low, high]';
      return recovery[0] < condition.low || recovery[1] > condition.high
        ? `must lie within \`outside: [${condition.low}, ${condition.high}]\``
        : undefined;
    case 'equals':
      return '`equals` has no recovery threshold: any other value is over it';
  }
}

function windowProblems({ window }: Checked): RuleProblem[] {
  if (!window) return [];
  const { reduce, in: aheadMs } = window;
  const path = ['window', 'in'];
  if (reduce === 'forecast') {
    if (aheadMs === undefined)
      return [{ path, message: 'a forecast is of a time ahead; write how far, like `in: 24h`' }];
    return aheadMs > 0 ? [] : [{ path, message: 'this must be longer than 0s' }];
  }
  if (aheadMs === undefined) return [];
  return [
    { path, message: `\`in\` goes with \`reduce: forecast\`; take it out, or write that for \`${reduce}\`` },
  ];
}

/** The condition of a rule; of several the first. */
export function conditionOf({ above, below, outside, equals }: Checked): Condition | undefined {
  if (above !== undefined) return { kind: 'above', threshold: above };
  if (below !== undefined) return { kind: 'below', threshold: below };
  if (outside !== undefined) return { kind: 'outside', low: outside[0], high: outside[1] };
  if (equals !== undefined) return { kind: 'equals', value: equals };
  return undefined;
}
