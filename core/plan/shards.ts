import { isAcrossClusters, namesCluster } from '../evaluate/alert-labels.ts';
import { hashNumber } from '../hash.ts';
import { globMatches } from '../labels.ts';
import type { LabelGlobs, Labels, Selection } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Target } from '../model/target.ts';
import { isExcluded } from '../selection.ts';

/**
 * A part of the fleet that is evaluated by itself: whole clusters, so that a rule finds all of a cluster together, or
 * what belongs to no single cluster. Which part a cluster is in follows from its name and the number of parts.
 */
export type Shard =
  | { kind: 'whole' }
  | { kind: 'clusters'; index: number; count: number }
  /** Rules whose alerts name no cluster: over bastions, and aggregates of what so many shards of clusters add. */
  | { kind: 'crossCluster'; count: number };

export const WHOLE: Shard = { kind: 'whole' };
/** Name of the fleet's checkpoints. */
export const CROSS_CLUSTER = 'fleet';

/** All shards for so many parts; one is the whole. */
export function shardsOf(count: number): Shard[] {
  if (count <= 1) return [WHOLE];
  const parts = Array.from({ length: count }, (_, index): Shard => ({ kind: 'clusters', index, count }));
  return [...parts, { kind: 'crossCluster', count }];
}

/** Names its checkpoints. Another number of parts has other names: what was settled for one is not for the other. */
export function shardName(shard: Shard): string {
  switch (shard.kind) {
    case 'whole':
      return 'local';
    case 'clusters':
      return shardCheckpoint(shard.index, shard.count);
    case 'crossCluster':
      return CROSS_CLUSTER;
  }
}

/** Names of the checkpoints that the fleet is made of. A message of an earlier release names no count: then none. */
export function shardCheckpoints(shard: Shard): string[] {
  if (shard.kind !== 'crossCluster') return [];
  return Array.from({ length: shard.count }, (_, index) => shardCheckpoint(index, shard.count));
}

/** Whether a checkpoint of that name is of another number of parts than this shard. */
export function isOfAnotherCount(shard: Shard, name: string): boolean {
  if (shard.kind === 'whole') return name !== shardName(shard);
  return name !== CROSS_CLUSTER && !name.endsWith(`/${shard.count}`);
}

function shardCheckpoint(index: number, count: number): string {
  return `${index}/${count}`;
}

/** Whether this shard evaluates an alert with these labels, whether its rule still exists or not. */
export function ownsAlert(shard: Shard, labels: Labels): boolean {
  switch (shard.kind) {
    case 'whole':
      return true;
    case 'clusters':
      return labels.cluster !== undefined && hashNumber(labels.cluster) % shard.count === shard.index;
    case 'crossCluster':
      return labels.cluster === undefined;
  }
}

export interface ShardView {
  /**
   * The shard's task: evaluate the samples, write a partial aggregate, or evaluate the merged ones.
   */
  task: 'evaluate' | 'writePartial' | 'mergePartials';
  targets: readonly Target[];
  /** What the store is asked for; it matches no cluster where the shard has none of those wanted. */
  selection: Selection & { where: LabelGlobs };
}

/** Targets and samples that a rule has in a shard; undefined where it has nothing to do. */
export function shardView(shard: Shard, rule: Rule, targets: readonly Target[]): ShardView | undefined {
  const { where, whereNot } = rule;
  const selection = { where, ...(whereNot && { whereNot }) };
  const isAcross = isAcrossClusters(rule);
  if (shard.kind === 'whole') return { task: 'evaluate', targets, selection };
  if (shard.kind === 'crossCluster') {
    if (isAcross) return { task: 'mergePartials', targets, selection };
    return namesCluster(rule) ? undefined : { task: 'evaluate', targets, selection };
  }
  if (!isAcross && !namesCluster(rule)) return undefined;
  const own = targets.filter(({ cluster }) => ownsAlert(shard, { cluster }));
  const asked = where.cluster;
  const names = [...new Set(own.map(({ cluster }) => cluster))].filter(
    (cluster) =>
      (!asked || asked.some((glob) => globMatches(glob, cluster))) && !isExcluded(whereNot, { cluster }),
  );
  const task = isAcross ? 'writePartial' : 'evaluate';
  return { task, targets: own, selection: { ...selection, where: { ...where, cluster: names } } };
}
