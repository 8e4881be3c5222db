import type { Config } from '../config/types.ts';
import { evaluationRange, expectedTargets, evaluate as judge } from '../evaluate/evaluate.ts';
import type { AggregatePart } from '../evaluate/model.ts';
import type { Rule, Target, Transition } from '../model.ts';
import { type Shard, shardName, type View, viewOf } from '../plan/shards.ts';
import { alertsOf, commitAlerts, endRule, leaveRule } from './alerts.ts';
import { contribute, gatherParts } from './parts.ts';
import { type AttemptPorts, createAttempt, type Outcome } from './rule-attempts.ts';
import {
  createUpQuery,
  dropOtherNumbers,
  intervalOf,
  loadStanding,
  queryIn,
  type ShardRound,
} from './shard-round.ts';

export type EvaluatePorts = AttemptPorts;

export interface EvaluateRequest {
  config: Pick<Config, 'rules' | 'checks' | 'schedule'>;
  targets: readonly Target[];
  /** Judged up to here: the scheduled time of the newest round. */
  roundMs: number;
  /** The part of the fleet that is judged. */
  shard: Shard;
  /**
   * Batches of the round are still out: rules across series wait for them, since what half of a fleet comes to is not
   * what the fleet comes to.
   */
  partial?: boolean;
}

/**
 * Judges every rule and commits what changed: each alert with its transitions and outbox items in one
 * transaction, the rule's checkpoint last. Killed anywhere, the next call folds again and commits the rest.
 * A rule that throws is counted, and its checkpoint stays: the others are judged.
 * @throws what rules failed of, when none could be judged, or so many in a row that the others were not tried
 */
export async function evaluate(request: EvaluateRequest, ports: EvaluatePorts): Promise<Transition[]> {
  const { config, targets, roundMs, shard, partial } = request;
  const { checks, schedule } = config;
  const round: ShardRound = { ...ports, shard, roundMs, targets, checks, latenessMs: schedule.latenessMs };
  const transitions: Transition[] = [];
  const names = new Set(config.rules.map((rule) => rule.name));
  const gone = (await ports.state.listRules()).filter((name) => !names.has(name));
  const attempt = createAttempt(ports, transitions);
  for (const name of gone) {
    await attempt.rule(name, async () => ({ transitions: await endRule(name, round), isJudged: false }));
  }
  const upSince = createUpQuery(round);
  for (const rule of config.rules) {
    if (partial && rule.aggregate) continue;
    await attempt.rule(rule.name, () => evaluateRule(rule, round, upSince));
  }
  await attempt.rest();
  for (const { rule, kind, reason, labels, atMs } of transitions) {
    ports.meter.count('transitions_total', { kind });
    ports.logger.info(`alert ${kind}`, { rule, ...labels, reason, at: new Date(atMs).toISOString() });
  }
  attempt.end();
  return transitions;
}

type UpQuery = ReturnType<typeof createUpQuery>;

async function evaluateRule(rule: Rule, round: ShardRound, upSince: UpQuery): Promise<Outcome> {
  const view = viewOf(round.shard, rule, round.targets);
  if (!view) return { transitions: await leaveRule(rule.name, round), isJudged: false };
  return { transitions: await evaluateView(rule, view, round, upSince), isJudged: true };
}

async function evaluateView(
  rule: Rule,
  view: View,
  round: ShardRound,
  upSince: UpQuery,
): Promise<Transition[]> {
  switch (view.task) {
    case 'judge':
      return judgeRule(rule, view, { toMs: round.roundMs }, round, upSince);
    case 'contribute':
      return contribute(rule, view, round);
    case 'merge': {
      // Before the checkpoint is read: a part begins where that is settled.
      const gathered = await gatherParts(rule, round);
      return gathered ? judgeRule(rule, view, gathered, round, upSince) : [];
    }
  }
}

async function judgeRule(
  rule: Rule,
  { targets, where }: View,
  { toMs: nowMs, parts }: { toMs: number; parts?: readonly AggregatePart[] },
  round: ShardRound,
  upSince: UpQuery,
): Promise<Transition[]> {
  const { state, meter, latenessMs, shard } = round;
  const standing = await loadStanding(rule, nowMs, round);
  if (standing === 'judged') return [];
  const { checkpoint, version } = standing;
  const alerts = await alertsOf(rule.name, round);
  const expected = expectedTargets(rule, targets);
  const intervalMs = intervalOf(round.checks, expected);
  const { fromMs } = evaluationRange({ rule, intervalMs, latenessMs, checkpoint, nowMs });
  const range = { metric: rule.metric, fromMs, toMs: nowMs };
  const result = judge({
    rule,
    intervalMs,
    latenessMs,
    series: parts ? [] : await queryIn(round.store, { ...range, where }),
    ...(parts && { parts }),
    up: await upSince(fromMs),
    targets: expected,
    checkpoint,
    alerts: alerts.map((alert) => alert.value),
    nowMs,
  });
  let storedVersion = version;
  if (checkpoint && result.transitions.length > 0) {
    const claimed = { ...checkpoint, claimedToMs: nowMs };
    await state.saveCheckpoint(rule.name, shardName(shard), claimed, storedVersion++);
  }
  await commitAlerts(alerts, round, result);
  if (!checkpoint) await dropOtherNumbers(rule.name, round);
  await state.saveCheckpoint(rule.name, shardName(shard), result.checkpoint, storedVersion);
  for (const status of ['pending', 'firing'] as const) {
    meter.gauge('alerts', result.alerts.filter((alert) => alert.status === status).length, {
      rule: rule.name,
      status,
    });
  }
  return result.transitions;
}
