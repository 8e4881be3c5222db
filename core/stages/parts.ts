// Aggregates across clusters: shards of clusters keep what theirs come to, the fleet's shard judges what that makes.
import { expectedTargets } from '../evaluate/evaluate.ts';
import { ruleHash } from '../evaluate/identity.ts';
import { judgedPart } from '../evaluate/judged.ts';
import type { AggregatePart, Checkpoint } from '../evaluate/model.ts';
import { partFromMs } from '../evaluate/range.ts';
import type { Rule, Transition } from '../model.ts';
import { FLEET, partNames, shardName, type View } from '../plan/shards.ts';
import { endAlerts } from './alerts.ts';
import { dropOtherNumbers, intervalOf, loadStanding, queryIn, type ShardRound } from './shard-round.ts';

/**
 * Keeps what the shard's clusters add to the rule's aggregate: of all that the fleet has not settled, so that samples
 * which come late are in it. Tells of alerts only when they end, because the rule had alerts of clusters before an edit:
 * looked for in every round, as `leaveRule` does.
 */
export async function contribute(rule: Rule, view: View, round: ShardRound): Promise<Transition[]> {
  const { state, shard, roundMs, latenessMs } = round;
  const standing = await loadStanding(rule, roundMs, round);
  if (!rule.aggregate || standing === 'judged') return [];
  const { metric, window } = rule;
  // As the whole would have it: what a window expects must not depend on the shard.
  const intervalMs = intervalOf(round.checks, expectedTargets(rule, round.targets));
  const fleet = (await state.loadCheckpoint(rule.name, FLEET))?.value;
  const fromMs = partFromMs({ rule, intervalMs, latenessMs, checkpoint: fleet, nowMs: roundMs });
  const range = { fromMs: fromMs - (window?.lastMs ?? 0), toMs: roundMs };
  const series = await queryIn(round.store, { metric, where: view.where, ...range });
  const targets = expectedTargets(rule, view.targets);
  const part = judgedPart({ rule, intervalMs, series, targets }, rule.aggregate, fromMs - 1);

  const hash = ruleHash(rule);
  const before = standing.checkpoint;
  if (!before) await dropOtherNumbers(rule.name, round);
  const goesOn = before?.ruleHash === hash && isRecent(before, round) ? before.part : undefined;
  const ended = await endAlerts(rule.name, 'rule-changed', round);
  const checkpoint: Checkpoint = {
    version: 1,
    ruleHash: hash,
    metric,
    startedAtMs: before?.ruleHash === hash ? before.startedAtMs : roundMs,
    settledToMs: fromMs - 1,
    evaluatedToMs: roundMs,
    series: [],
    emitted: [],
    part: { ...part, steadySinceMs: goesOn?.steadySinceMs ?? roundMs },
  };
  await state.saveCheckpoint(rule.name, shardName(shard), checkpoint, standing.version);
  return ended;
}

/**
 * What all shards of clusters have added, and up to when all of them were judged. Undefined while there is nothing to
 * judge: none was, or one is waited for, since what half of a fleet comes to is not what the fleet comes to. A shard
 * that others have gone on without for longer than the lateness is waited for no more. Both are counted and logged.
 */
export async function gatherParts(
  rule: Rule,
  round: ShardRound,
): Promise<{ toMs: number; parts: readonly AggregatePart[] } | undefined> {
  const { state, roundMs, latenessMs, meter, logger } = round;
  const names = partNames(round.shard);
  const stored = await Promise.all(names.map((name) => state.loadCheckpoint(rule.name, name)));
  const hash = ruleHash(rule);
  const known = stored.flatMap((one) => {
    if (!one?.value.part || one.value.ruleHash !== hash) return [];
    const { part, evaluatedToMs } = one.value;
    // Further ahead it was judged by another clock.
    return evaluatedToMs > roundMs + latenessMs ? [] : [{ part, evaluatedToMs }];
  });
  const recent = known.filter((checkpoint) => isRecent(checkpoint, round));
  const missing = names.length - recent.length;
  const steadyMs = roundMs - Math.min(...recent.map(({ part }) => part.steadySinceMs));
  if (recent.length === 0 || (missing > 0 && steadyMs <= latenessMs)) {
    meter.count('partials_awaited_total', { rule: rule.name }, missing);
    const shards = names.length;
    logger.warn('a rule across clusters waits for its shards', { rule: rule.name, missing, shards });
    return undefined;
  }
  meter.count('partials_missing_total', { rule: rule.name }, missing);
  if (missing > 0) {
    logger.warn('a rule across clusters is judged without shards that were not judged for too long', {
      rule: rule.name,
      missing,
    });
  }
  const toMs = Math.min(roundMs, ...recent.map(({ evaluatedToMs }) => evaluatedToMs));
  return { toMs, parts: known.map(({ part }) => part) };
}

function isRecent(
  { evaluatedToMs }: Pick<Checkpoint, 'evaluatedToMs'>,
  { roundMs, latenessMs }: Pick<ShardRound, 'roundMs' | 'latenessMs'>,
): boolean {
  return evaluatedToMs >= roundMs - latenessMs;
}
