import { isAcrossClusters, namesCluster } from '../evaluate/shape.ts';
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
  /** Rules whose alerts name no cluster: over bastions, and aggregates of what so many shards of clusters add. */
  | { kind: 'fleet'; count: number };

export const WHOLE: Shard = { kind: 'whole' };
/** Name of the fleet's checkpoints. */
export const FLEET = 'fleet';

/** All shards for so many parts; one is the whole. */
export function shardsOf(count: number): Shard[] {
  if (count <= 1) return [WHOLE];
  const parts = Array.from({ length: count }, (_, index): Shard => ({ kind: 'clusters', index, count }));
  return [...parts, { kind: 'fleet', count }];
}

/** Names its checkpoints. Another number of parts has other names: what was settled for one is not for the other. */
export function shardName(shard: Shard): string {
  switch (shard.kind) {
    case 'whole':
      return 'local';
    case 'clusters':
      return partName(shard.index, shard.count);
    case 'fleet':
      return FLEET;
  }
}

/** Names of the checkpoints that the fleet is made of. A message of an earlier release names no count: then none. */
export function partNames(shard: Shard): string[] {
  if (shard.kind !== 'fleet') return [];
  return Array.from({ length: shard.count }, (_, index) => partName(index, shard.count));
}

/** Whether a checkpoint of that name is of another number of parts than this shard. */
export function isOfOtherNumber(shard: Shard, name: string): boolean {
  if (shard.kind === 'whole') return name !== shardName(shard);
  return name !== FLEET && !name.endsWith(`/${shard.count}`);
}

function partName(index: number, count: number): string {
  return `${index}/${count}`;
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

export interface View {
  /**
   * What is to be done there: judge the samples, add to what the fleet judges, or judge what all have added.
   */
  task: 'judge' | 'contribute' | 'merge';
  targets: readonly Target[];
  where: LabelGlobs;
}

/** What of the world a rule sees in a shard; undefined where it has nothing to do. */
export function viewOf(shard: Shard, rule: Rule, targets: readonly Target[]): View | undefined {
  const { where } = rule;
  const isAcross = isAcrossClusters(rule);
  if (shard.kind === 'whole') return { task: 'judge', targets, where };
  if (shard.kind === 'fleet') {
    if (isAcross) return { task: 'merge', targets, where };
    return namesCluster(rule) ? undefined : { task: 'judge', targets, where };
  }
  if (!isAcross && !namesCluster(rule)) return undefined;
  const own = targets.filter(({ cluster }) => ownsAlert(shard, { cluster }));
  const asked = where.cluster;
  const names = [...new Set(own.map(({ cluster }) => cluster))].filter(
    (name) => !asked || asked.some((glob) => globMatches(glob, name)),
  );
  return { task: isAcross ? 'contribute' : 'judge', targets: own, where: { ...where, cluster: names } };
}
