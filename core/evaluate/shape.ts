import { findMetric } from '../catalogue.ts';
import type { Labels, Rule } from '../model.ts';
import { TARGET_LABELS } from './range.ts';

type Shape = Pick<Rule, 'metric' | 'aggregate'>;

/** Whether the rule looks at bastions: such series name no cluster. */
export function isOfBastions({ metric }: Pick<Rule, 'metric'>): boolean {
  return findMetric(metric)?.group === 'bastion';
}

/** Whether the rule's alerts name the cluster they are of. */
export function namesCluster(rule: Shape): boolean {
  return rule.aggregate ? rule.aggregate.by.includes('cluster') : !isOfBastions(rule);
}

/** Whether the rule's alerts name the node they are of. */
export function namesNode(rule: Shape): boolean {
  return namesCluster(rule) && (rule.aggregate?.by.includes('node') ?? true);
}

/** Whether what the rule compares is made of samples of many clusters. */
export function isAcrossClusters(rule: Shape): boolean {
  return rule.aggregate !== undefined && !namesCluster(rule) && !isOfBastions(rule);
}

/** Whether an alert of the rule can have these labels; one of before an edit may have others. */
export function hasShapeOf(rule: Shape & Pick<Rule, 'noData'>, labels: Labels): boolean {
  const { aggregate, noData } = rule;
  if (!aggregate) return isOfBastions(rule) ? labels.bastion !== undefined : isOfTarget(labels);
  const names = Object.keys(labels);
  const areOf = (by: readonly string[]) =>
    names.length === new Set(by).size && names.every((name) => by.includes(name));
  // A node that lacks all of its series is told by its own labels, whatever those of the groups.
  return areOf(aggregate.by) || (noData === 'alerting' && namesNode(rule) && areOf(TARGET_LABELS));
}

function isOfTarget(labels: Labels): boolean {
  return TARGET_LABELS.every((name) => labels[name] !== undefined);
}
