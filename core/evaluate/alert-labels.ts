import { findMetric, GROUP_LABELS } from '../catalogue.ts';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import { TARGET_LABELS } from './range.ts';

type LabelFields = Pick<Rule, 'metric' | 'aggregate'>;

/** Whether the rule is on bastions or on the fleet as a whole: such series name no cluster. */
export function isWithoutCluster({ metric }: Pick<Rule, 'metric'>): boolean {
  return !labelsOf(metric).includes('cluster');
}

/** Whether the rule's alerts have a label `cluster`. */
export function namesCluster(rule: LabelFields): boolean {
  return rule.aggregate ? rule.aggregate.by.includes('cluster') : !isWithoutCluster(rule);
}

/** Whether the rule's alerts have a label `node`. */
export function namesNode(rule: LabelFields): boolean {
  return namesCluster(rule) && (rule.aggregate?.by.includes('node') ?? true);
}

/** Whether the rule aggregates samples across clusters. */
export function isAcrossClusters(rule: LabelFields): boolean {
  return rule.aggregate !== undefined && !namesCluster(rule) && !isWithoutCluster(rule);
}

/** Whether an alert of the rule can have these labels. An alert from before an edit may have others. */
export function canHaveLabels(rule: LabelFields & Pick<Rule, 'noData'>, labels: Labels): boolean {
  const { aggregate, noData } = rule;
  if (!aggregate)
    return isWithoutCluster(rule)
      ? labelsOf(rule.metric).every((name) => labels[name] !== undefined)
      : isOfTarget(labels);
  const names = Object.keys(labels);
  const areOf = (by: readonly string[]) =>
    names.length === new Set(by).size && names.every((name) => by.includes(name));
  // The alert of a node that lacks all of its series has the node's own labels, whatever those of the groups are.
  return areOf(aggregate.by) || (noData === 'alerting' && namesNode(rule) && areOf(TARGET_LABELS));
}

function isOfTarget(labels: Labels): boolean {
  return TARGET_LABELS.every((name) => labels[name] !== undefined);
}

function labelsOf(metric: string): readonly string[] {
  return GROUP_LABELS[findMetric(metric)?.group ?? 'node'];
}
