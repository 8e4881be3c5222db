import { findMetric } from '../catalogue.ts';
import { hashNumber } from '../hash.ts';
import { globMatches } from '../labels.ts';
import type { LabelGlobs, Labels, Rule, Target } from '../model.ts';

/**
 * A part of the fleet that is judged by itself: whole clusters, so that a rule finds all of a cluster in one place, or
 * what belongs to no single cluster. Which part a cluster is in follows from its name and the number of parts.
 */
export type Shard =
  | { kind: 'whole' }
  | { kind: 'clusters'; index: number; count: number }
  /** Rules whose alerts name no cluster: over bastions, and aggregates across clusters. */
  | { kind: 'fleet' };

export const WHOLE: Shard = { kind: 'whole' };

/** All shards for so many parts; one is the whole. */
export function shardsOf(count: number): Shard[] {
  if (count <= 1) return [WHOLE];
  const parts = Array.from({ length: count }, (_, index): Shard => ({ kind: 'clusters', index, count }));
  return [...parts, { kind: 'fleet' }];
}

/** Names its checkpoints. Another number of parts has other names: what was settled for one is not for the other. */
export function shardName(shard: Shard): string {
  switch (shard.kind) {
    case 'whole':
      return 'local';
    case 'clusters':
      return `${shard.index}/${shard.count}`;
    case 'fleet':
      return 'fleet';
  }
}

/** Whether an alert with these labels is judged here, whether its rule still exists or not. */
export function ownsAlert(shard: Shard, labels: Labels): boolean {
  switch (shard.kind) {
    case 'whole':
      return true;
    case 'clusters':
      return labels.cluster !== undefined && hashNumber(labels.cluster) % shard.count === shard.index;
    case 'fleet':
      return labels.cluster === undefined;
  }
}

/** What of the world a rule sees in a shard; undefined where another shard judges it. */
export function viewOf(
  shard: Shard,
  rule: Rule,
  targets: readonly Target[],
): { targets: readonly Target[]; where: LabelGlobs } | undefined {
  if (shard.kind === 'whole') return { targets, where: rule.where };
  if (shard.kind === 'fleet' || !hasCluster(rule)) {
    const here = shard.kind === 'fleet' && !hasCluster(rule);
    return here ? { targets, where: rule.where } : undefined;
  }
  const own = targets.filter(({ cluster }) => ownsAlert(shard, { cluster }));
  const asked = rule.where.cluster;
  const names = [...new Set(own.map(({ cluster }) => cluster))].filter(
    (name) => !asked || asked.some((glob) => globMatches(glob, name)),
  );
  return { targets: own, where: { ...rule.where, cluster: names } };
}

/** Whether the rule's alerts name the cluster they are of. */
function hasCluster(rule: Rule): boolean {
  return rule.aggregate
    ? rule.aggregate.by.includes('cluster')
    : findMetric(rule.metric)?.group !== 'bastion';
}
