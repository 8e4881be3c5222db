import type { Checkpoint } from '../evaluate/model.ts';
import { isBehind } from '../evaluate/range.ts';
import { labelsMatch } from '../labels.ts';
import type { Check, LabelGlobs, Labels, Rule, Series, Target } from '../model.ts';
import { isOfOtherNumber, ownsAlert, type Shard, shardName } from '../plan/shards.ts';
import type { Clock, Logger, Meter, SampleStore, SeriesQuery, StateStore } from '../ports.ts';

export interface ShardPorts {
  store: SampleStore;
  state: StateStore;
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

/** What a shard is judged by, up to one round. */
export interface ShardRound extends ShardPorts {
  shard: Shard;
  roundMs: number;
  latenessMs: number;
  checks: readonly Check[];
  targets: readonly Target[];
}

/**
 * What the rule's checkpoint says; none when it was judged too far ahead, or by a shard too long ago. `judged` when it
 * was judged further than `nowMs` already, also by another number of shards.
 */
export async function loadStanding(
  rule: Rule,
  nowMs: number,
  { shard, roundMs, latenessMs, state, clock, meter, logger }: ShardRound,
): Promise<{ checkpoint: Checkpoint | undefined; version: number } | 'judged'> {
  const stored = await state.loadCheckpoint(rule.name, shardName(shard));
  if (!stored) {
    const names = await otherNumbers(rule.name, { shard, state });
    const others = await Promise.all(names.map((name) => state.loadCheckpoint(rule.name, name)));
    // A message of before the number of shards was changed: what it asks for is judged, and alerts are further.
    const isLate = others.some((other) => {
      const toMs = other?.value.evaluatedToMs ?? 0;
      return toMs > nowMs && toMs <= roundMs + latenessMs;
    });
    return isLate ? 'judged' : { checkpoint: undefined, version: 0 };
  }
  const { value: checkpoint, version } = stored;
  // Ahead of the clock, not of the round: that one may be a message which comes late.
  if (checkpoint.evaluatedToMs > Math.max(roundMs, clock.nowMs()) + latenessMs) {
    meter.count('checkpoints_ahead_total', { rule: rule.name });
    logger.error('the clock was ahead when this rule was judged last; it is judged anew', {
      rule: rule.name,
      judgedTo: new Date(checkpoint.evaluatedToMs).toISOString(),
    });
    return { checkpoint: undefined, version };
  }
  // A fleet that is judged as a whole is small enough to read all that it has missed.
  if (shard.kind !== 'whole' && isBehind(checkpoint, roundMs)) {
    meter.count('checkpoints_behind_total', { rule: rule.name });
    logger.warn('this rule was not judged for too long to catch up; it is judged anew', {
      rule: rule.name,
      judgedTo: new Date(checkpoint.evaluatedToMs).toISOString(),
    });
    return { checkpoint: undefined, version };
  }
  // A late message, or a clock that was set back a little; or a newer evaluation was cut off behind its transitions.
  const { evaluatedToMs, claimedToMs = 0 } = checkpoint;
  const isClaimed = claimedToMs > nowMs && claimedToMs <= Math.max(roundMs, clock.nowMs()) + latenessMs;
  return evaluatedToMs > nowMs || isClaimed ? 'judged' : { checkpoint, version };
}

/**
 * Where a rule begins, what other numbers of shards knew of it goes. Should one of them return, it must not go on where
 * it stopped: others have judged since. Alerts belong to no number.
 */
export async function dropOtherNumbers(rule: string, { shard, state }: ShardRound): Promise<void> {
  for (const name of await otherNumbers(rule, { shard, state })) await state.deleteCheckpoint(rule, name);
}

async function otherNumbers(rule: string, { shard, state }: Pick<ShardRound, 'shard' | 'state'>) {
  return (await state.listCheckpoints(rule)).filter((name) => isOfOtherNumber(shard, name));
}

/** Asks for nothing where there is none of the clusters that the rule looks at. */
export async function queryIn(store: SampleStore, query: SeriesQuery): Promise<Series[]> {
  return query.where?.cluster?.length === 0 ? [] : store.query(query);
}

/**
 * `up` of the shard's nodes, asked for once by all rules whose range it covers: most begin where the last evaluation
 * settled. What the fleet judges is of no node.
 */
export function createUpQuery({ store, shard, targets, roundMs: toMs }: ShardRound) {
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

/** The slowest of the checks that look at the rule's targets; of all checks where it has none, as for bastions. */
export function intervalOf(checks: readonly Check[], expected: readonly { labels: Labels }[]): number {
  const mine = checks.filter((check) => expected.some(({ labels }) => labelsMatch(check.where, labels)));
  return Math.max(...(mine.length > 0 ? mine : checks).map((check) => check.everyMs));
}
