// Whether a round is complete: plan records which batches are due, and the last evaluation compares them with what was
// stored.

import { z } from 'zod';
import { isAhead } from '../core/format.ts';
import { some } from '../core/health.ts';
import type { Batch } from '../core/model/batch.ts';
import type { Check } from '../core/model/check.ts';
import type { Config } from '../core/model/config.ts';
import type { TargetStatus } from '../core/model/target-status.ts';
import { leastOf } from '../core/numbers/extremes.ts';
import { type Absence, absences, lastSeenMs, lostBastions } from '../core/plan/absences.ts';
import { addRound, type Due } from '../core/plan/due.ts';
import { SCHEDULER_PRECISION_MS, tickIntervalMs } from '../core/plan/plan.ts';
import type { Shard } from '../core/plan/shards.ts';
import { type Health, MISSING_ROUNDS, readEvaluated, readHealth, writeHealth } from './health.ts';
import { changeMark, isLater, readMark } from './marks.ts';
import type { Services } from './services.ts';

/** The mark that plan writes: the due batches of the last rounds. */
export const DUE_KEY = 'due.json';

const dueSchema = z.strictObject({
  firstMs: z.number(),
  roundMs: z.number(),
  tickMs: z.number(),
  bastions: z.record(
    z.string(),
    z.array(
      z.strictObject({
        everyMs: z.number(),
        firstMs: z.number(),
        roundsMs: z.array(z.number()),
        batches: z.array(z.strictObject({ index: z.number(), nodes: z.number(), members: z.number() })),
      }),
    ),
  ),
});

type OpenPorts = Pick<Services, 'meter' | 'logger' | 'bucket'>;

/**
 * Records the due batches of a round before any message of it is sent, and measures how far earlier rounds are behind.
 */
export async function openRound(
  {
    roundMs,
    config,
    batches,
  }: { roundMs: number; config: Pick<Config, 'checks'>; batches: readonly Batch[] },
  { meter, logger, ...ports }: OpenPorts,
): Promise<void> {
  const { checks } = config;
  const bucket = await ports.bucket();
  const health = await readHealth(bucket, logger);
  const tickMs = tickIntervalMs(checks);
  const round = { roundMs, tickMs, batches, checks };
  let due = addRound(undefined, round);
  // The next start may overtake a slow one, which must not put its mark back.
  const add = (before: Due | undefined) => {
    due = addRound(before, round);
    return due === before ? undefined : due;
  };
  await changeMark<Due>(bucket, DUE_KEY, dueSchema, add, logger);
  const overdueMs = roundMs - (health?.roundMs ?? due.firstMs);
  meter.gauge('rounds_overdue', Math.max(0, Math.floor(overdueMs / tickMs)));
  // A round that started late was evaluated before its nodes were stored, and this one may have started early.
  const unseenMs = isEmpty(due) ? 0 : roundMs - (health?.seenMs ?? due.firstMs) - SCHEDULER_PRECISION_MS;
  meter.gauge('rounds_unseen', Math.max(0, Math.ceil(unseenMs / mostOftenMs(config))));
}

/**
 * Closes a round when all shards have evaluated it. It is complete when each due node was seen or its bastion is known
 * to be lost; a late one has three rounds. Undefined: this round, or a later one, was closed before.
 */
export async function closeRound(
  round: {
    config: Pick<Config, 'checks'>;
    roundMs: number;
    shard: Shard;
    failedRules: number;
    /** Those of all targets; read from state by default. */
    statuses?: () => Promise<readonly TargetStatus[]>;
  },
  { clock, logger, meter, ...ports }: Pick<Services, 'clock' | 'logger' | 'meter' | 'bucket' | 'state'>,
): Promise<{ isComplete: boolean; isFirst: boolean; isSeen: boolean } | undefined> {
  const { config, roundMs, shard } = round;
  const [bucket, state] = await Promise.all([ports.bucket(), ports.state()]);
  const before = await readHealth(bucket, logger);
  const lastMs = before?.judgedMs ?? before?.roundMs;
  if (lastMs !== undefined && lastMs >= roundMs && !isAhead(lastMs, clock.nowMs())) return undefined;
  const sinceMs = roundMs - MISSING_ROUNDS * tickIntervalMs(config.checks);
  const shards = shard.kind === 'crossCluster' ? shard.count : 0;
  const { behind, failedRules } = await readEvaluated(bucket, shards, sinceMs, logger);
  if (behind.length > 0) {
    meter.count('parts_behind_total', {}, behind.length);
    logger.error('shards were not evaluated lately: the round does not count as complete', {
      parts: behind.join(', '),
    });
  }
  // A damaged mark: rounds continue, and the next one writes the due batches again.
  const due: Due | undefined = await readMark(bucket, DUE_KEY, dueSchema, logger);
  const statuses = await (round.statuses ?? state.listTargetStatus)();
  const lost = due ? lostBastions(due, statuses, before?.lost ?? {}) : {};
  const absent = due ? absences(due, statuses, lost) : [];
  const nodes = absent.reduce((sum, one) => sum + one.nodes, 0);
  meter.gauge('nodes_absent', nodes);
  if (absent.length > 0) {
    logger.error('due nodes were neither seen nor known to be lost: the round does not count as complete', {
      nodes,
      bastions: some(absent.map(absenceText)),
    });
  }
  if (!due) logger.error('the due batches are unknown: the round does not count as complete');
  const isComplete = behind.length === 0 && absent.length === 0 && due !== undefined;
  const seenMs = !due || isEmpty(due) ? roundMs : (lastSeenMs(statuses) ?? due.firstMs);
  await writeHealth(bucket, (last) => {
    // A later round may have been evaluated at the same time.
    if (isLater(last?.judgedMs ?? last?.roundMs, roundMs, clock.nowMs())) return undefined;
    return {
      ...(isComplete ? { roundMs, completedAtMs: clock.nowMs() } : completedOf(last)),
      judgedMs: roundMs,
      failedRules: failedRules + round.failedRules,
      seenMs,
      absent: { nodes, bastions: absent.length },
      lost,
    };
  });
  if (isComplete) meter.count('rounds_total');
  const isSeen = roundMs - seenMs <= MISSING_ROUNDS * mostOftenMs(config);
  return { isComplete, isFirst: before === undefined, isSeen };
}

function completedOf(health: Health | undefined): Pick<Health, 'roundMs' | 'completedAtMs'> {
  const { roundMs, completedAtMs } = health ?? {};
  return roundMs === undefined || completedAtMs === undefined ? {} : { roundMs, completedAtMs };
}

function isEmpty({ bastions }: Due): boolean {
  return Object.keys(bastions).length === 0;
}

export function mostOftenMs({ checks }: { checks: readonly Pick<Check, 'everyMs'>[] }): number {
  return leastOf(checks.map(({ everyMs }) => everyMs));
}

function absenceText({ bastion, batches, nodes }: Absence): string {
  const which = batches.length > 0 ? `, nothing of batches ${some(batches.map(String))}` : '';
  return `${bastion}: ${nodes} nodes${which}`;
}
