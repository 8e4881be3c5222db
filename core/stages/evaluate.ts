import { evaluateRule } from '../evaluate/evaluate.ts';
import { createIntervals } from '../intervals.ts';
import type { PartialAggregate } from '../model/checkpoint.ts';
import type { Config } from '../model/config.ts';
import type { Rule } from '../model/rule.ts';
import type { Target } from '../model/target.ts';
import type { Transition } from '../model/transition.ts';
import { type Shard, type ShardView, shardName, shardView } from '../plan/shards.ts';
import { alertsOf, commitAlerts, endRule, leaveRule } from './alerts.ts';
import { createInventoryLabels } from './inventory-labels.ts';
import { withLateSamples } from './late-samples.ts';
import { mergePartials, writePartial } from './partial-aggregates.ts';
import { type AttemptPorts, createAttempt, type Outcome } from './rule-attempts.ts';
import { readRuleInput, type UpQuery } from './rule-input.ts';
import { createUpQuery, dropStaleShardCheckpoints, resumePoint, type ShardRound } from './shard-round.ts';
import { withSharedQueries } from './shared-queries.ts';

export type EvaluatePorts = AttemptPorts;

export interface EvaluateRequest {
  config: Pick<Config, 'rules' | 'checks' | 'schedule'>;
  targets: readonly Target[];
  /** Evaluated up to here: the scheduled time of the newest round. */
  roundMs: number;
  shard: Shard;
  /**
   * Batches of the round are still out: rules with an aggregate wait for them, since an aggregate over half of a fleet
   * would be wrong.
   */
  batchesOutstanding?: boolean;
}

/**
 * Evaluates every rule and commits what changed: each alert with its transitions and outbox items in one transaction, the
 * rule's checkpoint last. Killed anywhere, the next call folds again and commits the rest. A rule that throws is counted
 * and keeps its checkpoint; the others are evaluated.
 * @throws the first rule's error, when no rule could be evaluated, or so many failed in a row that others were not tried
 */
export async function evaluateShard(request: EvaluateRequest, ports: EvaluatePorts): Promise<Transition[]> {
  const { config, targets, roundMs, shard, batchesOutstanding } = request;
  const { checks, schedule } = config;
  const store = withSharedQueries(withLateSamples(ports.store, shard, ports));
  const { latenessMs } = schedule;
  const startMs = ports.clock.nowMs();
  const intervals = createIntervals(checks, targets);
  const inventoryLabels = createInventoryLabels(targets);
  const round: ShardRound = {
    ...{ ...ports, store, shard, roundMs, targets, checks, intervals, latenessMs },
    inventoryLabels,
  };
  const transitions: Transition[] = [];
  const names = new Set(config.rules.map((rule) => rule.name));
  const gone = (await ports.state.listRules()).filter((name) => !names.has(name));
  const attempt = createAttempt(ports, transitions);
  for (const name of gone) {
    await attempt.rule(name, async () => ({ transitions: await endRule(name, round), isEvaluated: false }));
  }
  const upSince = createUpQuery(round);
  for (const rule of config.rules) {
    if (batchesOutstanding && rule.aggregate) continue;
    await attempt.rule(rule.name, () => evaluateOwnRule(rule, round, upSince));
  }
  await attempt.rest();
  report(transitions, ports);
  ports.meter.observe('evaluation_duration_seconds', (ports.clock.nowMs() - startMs) / 1000);
  attempt.end();
  return transitions;
}

/** Logs one line for like transitions of a rule: a node that flaps has hundreds in each round. State has each of them. */
function report(transitions: readonly Transition[], { meter, logger }: EvaluatePorts): void {
  const alike = Map.groupBy(transitions, ({ rule, kind, reason }) => JSON.stringify([rule, kind, reason]));
  for (const ofRule of alike.values()) {
    const [first] = ofRule;
    if (!first) continue;
    const { rule, kind, reason, labels, atMs } = first;
    meter.count('transitions_total', { kind }, ofRule.length);
    const more = ofRule.length > 1 && { alerts: ofRule.length };
    logger.info(`alert ${kind}`, { rule, ...labels, ...more, reason, at: new Date(atMs).toISOString() });
  }
}

async function evaluateOwnRule(rule: Rule, round: ShardRound, upSince: UpQuery): Promise<Outcome> {
  const view = shardView(round.shard, rule, round.targets);
  if (!view) return { transitions: await leaveRule(rule.name, round), isEvaluated: false };
  return { transitions: await evaluateView(rule, view, round, upSince), isEvaluated: true };
}

async function evaluateView(
  rule: Rule,
  view: ShardView,
  round: ShardRound,
  upSince: UpQuery,
): Promise<Transition[]> {
  switch (view.task) {
    case 'evaluate':
      return evaluateSamples(rule, view, { toMs: round.roundMs }, round, upSince);
    case 'writePartial':
      return writePartial(rule, view, round);
    case 'mergePartials': {
      // Before the checkpoint is read: a partial begins where that is settled.
      const merged = await mergePartials(rule, round);
      return merged ? evaluateSamples(rule, view, merged, round, upSince) : [];
    }
  }
}

async function evaluateSamples(
  rule: Rule,
  view: ShardView,
  { toMs: nowMs, partials }: { toMs: number; partials?: readonly PartialAggregate[] },
  round: ShardRound,
  upSince: UpQuery,
): Promise<Transition[]> {
  const { state, meter, shard } = round;
  const point = await resumePoint(rule, nowMs, round);
  if (point.kind === 'alreadyEvaluated') return [];
  const { checkpoint, version } = point;
  const alerts = await alertsOf(rule.name, round);
  const open = alerts.map((alert) => alert.value);
  const asked = { nowMs, checkpoint, alerts: open, ...(partials && { partials }) };
  const result = evaluateRule(await readRuleInput(rule, view, asked, round, upSince));
  let storedVersion = version;
  if (checkpoint && result.transitions.length > 0) {
    const claimed = { ...checkpoint, claimedToMs: nowMs };
    await state.saveCheckpoint(rule.name, shardName(shard), claimed, storedVersion++);
  }
  await commitAlerts(alerts, round, result);
  if (!checkpoint) await dropStaleShardCheckpoints(rule.name, round);
  await state.saveCheckpoint(rule.name, shardName(shard), result.checkpoint, storedVersion);
  for (const status of ['pending', 'firing'] as const) {
    meter.gauge('alerts', result.alerts.filter((alert) => alert.status === status).length, {
      rule: rule.name,
      status,
    });
  }
  return result.transitions;
}
