import { isBehind } from '../evaluate/range.ts';
import type { Intervals } from '../intervals.ts';
import type { Check } from '../model/check.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import type { LabelGlobs } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Series } from '../model/sample.ts';
import type { Target } from '../model/target.ts';
import { isOfAnotherCount, ownsAlert, type Shard, shardName } from '../plan/shards.ts';
import type { Clock, Logger, Meter, SampleStore, SeriesQuery, StateStore } from '../ports.ts';
import type { InventoryLabels } from './inventory-labels.ts';

export interface ShardPorts {
  store: SampleStore;
  state: StateStore;
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

/** What the evaluation of a shard works with, up to one round. */
export interface ShardRound extends ShardPorts {
  shard: Shard;
  roundMs: number;
  latenessMs: number;
  intervals: Intervals;
  targets: readonly Target[];
  checks: readonly Check[];
  /** What the inventory says of nodes and clusters beside their labels. */
  inventoryLabels: InventoryLabels;
}

/** Where the evaluation of a rule goes on. */
export type ResumePoint =
  | { kind: 'resume'; checkpoint: Checkpoint; version: number }
  /** No usable checkpoint: there is none, it is ahead of the clock, or a shard's last evaluation is too long ago. */
  | { kind: 'restart'; checkpoint: undefined; version: number }
  /** Evaluated beyond `nowMs`, also under another shard count. */
  | { kind: 'alreadyEvaluated' };

const restartAt = (version: number): ResumePoint => ({ kind: 'restart', checkpoint: undefined, version });

export async function resumePoint(
  rule: Rule,
  nowMs: number,
  { shard, roundMs, latenessMs, state, clock, meter, logger }: ShardRound,
): Promise<ResumePoint> {
  const stored = await state.loadCheckpoint(rule.name, shardName(shard));
  if (!stored) {
    const names = await staleShardNames(rule.name, { shard, state });
    const others = await Promise.all(names.map((name) => state.loadCheckpoint(rule.name, name)));
    // A message from before the shard count was changed: its round is evaluated, and the alerts are of a later one.
    const isLate = others.some((other) => {
      const toMs = other?.value.evaluatedToMs ?? 0;
      return toMs > nowMs && toMs <= roundMs + latenessMs;
    });
    return isLate ? { kind: 'alreadyEvaluated' } : restartAt(0);
  }
  const { value: checkpoint, version } = stored;
  // Compared with the clock too: the round may be of a message that comes late.
  if (checkpoint.evaluatedToMs > Math.max(roundMs, clock.nowMs()) + latenessMs) {
    meter.count('checkpoints_ahead_total', { rule: rule.name });
    logger.error('the clock was ahead at the last evaluation of this rule: the rule restarts', {
      rule: rule.name,
      evaluatedTo: new Date(checkpoint.evaluatedToMs).toISOString(),
    });
    return restartAt(version);
  }
  // A fleet without shards is small enough to read all that it has missed.
  if (shard.kind !== 'whole' && isBehind(checkpoint, roundMs)) {
    meter.count('checkpoints_behind_total', { rule: rule.name });
    logger.warn('the last evaluation of this rule is too long ago to catch up: the rule restarts', {
      rule: rule.name,
      evaluatedTo: new Date(checkpoint.evaluatedToMs).toISOString(),
    });
    return restartAt(version);
  }
  // A late message, or a clock that was set back a little; or a newer evaluation was killed after its transitions.
  const { evaluatedToMs, claimedToMs = 0 } = checkpoint;
  const isClaimed = claimedToMs > nowMs && claimedToMs <= Math.max(roundMs, clock.nowMs()) + latenessMs;
  if (evaluatedToMs > nowMs || isClaimed) return { kind: 'alreadyEvaluated' };
  return { kind: 'resume', checkpoint, version };
}

/**
 * Where a rule begins, deletes its checkpoints of other shard counts. Should such a count return, it must not go on where it
 * stopped: other shards have evaluated the rule since. Alerts belong to no shard count.
 */
export async function dropStaleShardCheckpoints(rule: string, { shard, state }: ShardRound): Promise<void> {
  for (const name of await staleShardNames(rule, { shard, state })) await state.deleteCheckpoint(rule, name);
}

async function staleShardNames(rule: string, { shard, state }: Pick<ShardRound, 'shard' | 'state'>) {
  return (await state.listCheckpoints(rule)).filter((name) => isOfAnotherCount(shard, name));
}

/** Queries nothing where the shard has none of the clusters that the rule selects. */
export async function queryIn(store: Pick<SampleStore, 'query'>, query: SeriesQuery): Promise<Series[]> {
  return query.where?.cluster?.length === 0 ? [] : store.query(query);
}

/**
 * `up` of the shard's nodes, queried once for all rules whose range it covers: most begin where the last evaluation
 * settled. The cross-cluster shard has no nodes.
 */
export function createUpQuery({
  store,
  shard,
  targets,
  roundMs: toMs,
}: Pick<ShardRound, 'shard' | 'targets' | 'roundMs'> & { store: Pick<SampleStore, 'query'> }) {
  let asked: { fromMs: number; series: Series[] } | undefined;
  const own = targets.filter(({ cluster }) => ownsAlert(shard, { cluster })).map(({ cluster }) => cluster);
  const where: LabelGlobs = shard.kind === 'whole' ? {} : { cluster: [...new Set(own)] };
  return async (fromMs: number): Promise<Series[]> => {
    if (!asked || asked.fromMs > fromMs) {
      asked = { fromMs, series: await queryIn(store, { metric: 'up', where, fromMs, toMs }) };
    }
    return asked.series;
  };
}
