// Aggregates across clusters: each shard of clusters stores a partial aggregate, and the cross-cluster shard evaluates them merged.

import { expectedTargets } from '../evaluate/evaluate.ts';
import { readEvery } from '../evaluate/forecast-step.ts';
import { ruleHash } from '../evaluate/identity.ts';
import { lookBackMs, partialFromMs } from '../evaluate/range.ts';
import { derivePartial } from '../evaluate/rule-series.ts';
import { ruleIntervals } from '../intervals.ts';
import { measureKey } from '../measure.ts';
import type { Checkpoint, PartialAggregate, StoredPartial } from '../model/checkpoint.ts';
import type { Rule } from '../model/rule.ts';
import type { Transition } from '../model/transition.ts';
import { CROSS_CLUSTER, type ShardView, shardCheckpoints, shardName } from '../plan/shards.ts';
import { queryRule } from '../rule-query.ts';
import { endAlerts } from './alerts.ts';
import { dropStaleShardCheckpoints, resumePoint, type ShardRound } from './shard-round.ts';

/**
 * Stores what the shard's clusters add to the rule's aggregate, for all times that the cross-cluster shard has not settled,
 * so that late samples are in it. Emits only the ends of alerts that the rule had by cluster before an edit: it checks for
 * them in every round, as `leaveRule` does.
 */
export async function writePartial(rule: Rule, view: ShardView, round: ShardRound): Promise<Transition[]> {
  const { state, shard, roundMs, latenessMs } = round;
  const point = await resumePoint(rule, roundMs, round);
  if (!rule.aggregate || point.kind === 'alreadyEvaluated') return [];
  // That of the whole fleet: the number of samples that a window expects must not depend on the shard.
  const known = ruleIntervals(round.intervals, rule, expectedTargets(rule, round.targets));
  const { intervalMs } = known;
  const fleet = (await state.loadCheckpoint(rule.name, CROSS_CLUSTER))?.value;
  const fromMs = partialFromMs({ rule, intervalMs, latenessMs, checkpoint: fleet, nowMs: roundMs });
  const range = { fromMs: fromMs - lookBackMs(rule, known), toMs: roundMs, ...readEvery(rule, known) };
  const series = await queryRule(round.store, rule, { ...view.selection, ...range });
  const targets = expectedTargets(rule, view.targets);
  const partial = derivePartial({ rule, ...known, series, targets }, rule.aggregate, fromMs - 1);

  const hash = ruleHash(rule);
  const before = point.checkpoint;
  if (!before) await dropStaleShardCheckpoints(rule.name, round);
  const goesOn = before?.ruleHash === hash && isRecent(before, round) ? before.part : undefined;
  const ended = await endAlerts(rule.name, 'rule-changed', round);
  const checkpoint: Checkpoint = {
    version: 1,
    ruleHash: hash,
    metric: measureKey(rule),
    startedAtMs: before?.ruleHash === hash ? before.startedAtMs : roundMs,
    settledToMs: fromMs - 1,
    evaluatedToMs: roundMs,
    series: [],
    emitted: [],
    part: { ...storedFrom(partial), steadySinceMs: goesOn?.steadySinceMs ?? roundMs },
  };
  await state.saveCheckpoint(rule.name, shardName(shard), checkpoint, point.version);
  return ended;
}

/**
 * The partial aggregates of all shards of clusters, and up to when all of them were evaluated. Undefined while there is
 * nothing to evaluate: no shard has a partial, or one is missing, since an aggregate over half of a fleet would be wrong.
 * After the lateness a shard that others have gone on without is not awaited any more. Both are counted and logged.
 */
export async function mergePartials(
  rule: Rule,
  round: ShardRound,
): Promise<{ toMs: number; partials: readonly PartialAggregate[] } | undefined> {
  const { state, roundMs, latenessMs, meter, logger } = round;
  const names = shardCheckpoints(round.shard);
  const stored = await Promise.all(names.map((name) => state.loadCheckpoint(rule.name, name)));
  const hash = ruleHash(rule);
  const known = stored.flatMap((one) => {
    if (!one?.value.part || one.value.ruleHash !== hash) return [];
    const { part, evaluatedToMs } = one.value;
    // A checkpoint further ahead is of another clock.
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
    logger.warn('a rule across clusters is evaluated without shards whose last evaluation is too long ago', {
      rule: rule.name,
      missing,
    });
  }
  const toMs = Math.min(roundMs, ...recent.map(({ evaluatedToMs }) => evaluatedToMs));
  return { toMs, partials: known.map(({ part }) => partialFrom(part)) };
}

function isRecent(
  { evaluatedToMs }: Pick<Checkpoint, 'evaluatedToMs'>,
  { roundMs, latenessMs }: Pick<ShardRound, 'roundMs' | 'latenessMs'>,
): boolean {
  return evaluatedToMs >= roundMs - latenessMs;
}

function storedFrom({ fromMs, groups }: PartialAggregate): StoredPartial {
  return {
    fromMs,
    groups: groups.map(({ points, ...group }) => ({
      ...group,
      points: points.map(({ nodes, ...point }) => ({ ...point, places: nodes })),
    })),
  };
}

function partialFrom({ fromMs, groups }: StoredPartial): PartialAggregate {
  return {
    fromMs,
    groups: groups.map(({ points, ...group }) => ({
      ...group,
      points: points.map(({ places, ...point }) => ({ ...point, nodes: places })),
    })),
  };
}
