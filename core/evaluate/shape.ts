import { findMetric } from '../catalogue.ts';
import type { Labels, Rule } from '../model.ts';
import { placeOf } from './identity.ts';

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
export function hasShapeOf(rule: Shape, labels: Labels): boolean {
  const { aggregate } = rule;
  if (!aggregate && isOfBastions(rule)) return labels.bastion !== undefined;
  // A node that lacks all of its series is told by its own labels, whatever those of the series.
  if (!aggregate || namesNode(rule)) return placeOf(labels) !== undefined;
  const names = Object.keys(labels);
  return names.length === new Set(aggregate.by).size && names.every((name) => aggregate.by.includes(name));
}
