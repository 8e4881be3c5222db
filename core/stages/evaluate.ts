import type { Config } from '../config/types.ts';
import { ConflictError, describeError, RetryableError } from '../errors.ts';
import { evaluationRange, expectedTargets, evaluate as judge } from '../evaluate/evaluate.ts';
import type { AggregatePart } from '../evaluate/model.ts';
import { appendAll } from '../extremes.ts';
import type { Rule, Target, Transition } from '../model.ts';
import { type Shard, shardName, type View, viewOf } from '../plan/shards.ts';
import { alertsOf, commitAlerts, endRule, leaveRule } from './alerts.ts';
import { contribute, gatherParts } from './parts.ts';
import {
  createUpQuery,
  dropOtherNumbers,
  intervalOf,
  loadStanding,
  queryIn,
  type ShardPorts,
  type ShardRound,
} from './shard-round.ts';

export interface EvaluatePorts extends ShardPorts {
  /** Is told of each rule that was not judged, and why; the others were. */
  onRuleFailed?: (rule: string, error: unknown) => void;
}

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

/** Tries again when another evaluation of the shard was first; what it committed is then seen. */
const ATTEMPTS = 3;
/** So many rules in a row that fail with RetryableError: what is beside us is out, and asking for more rules is in vain. */
const SURELY_OUT = 3;

/**
 * Judges every rule and commits what changed: each alert with its transitions and outbox items in one
 * transaction, the rule's checkpoint last. Killed anywhere, the next call folds again and commits the rest.
 * A rule that throws is counted, and its checkpoint stays: the others are judged.
 * @throws RetryableError | ConflictError when a rule may be judged by a call that is made again; the others were judged
 */
export async function evaluate(request: EvaluateRequest, ports: EvaluatePorts): Promise<Transition[]> {
  const { config, targets, roundMs, shard, partial } = request;
  const { checks, schedule } = config;
  const round: ShardRound = { ...ports, shard, roundMs, targets, checks, latenessMs: schedule.latenessMs };
  const transitions: Transition[] = [];
  const names = new Set(config.rules.map((rule) => rule.name));
  const gone = (await ports.state.listRules()).filter((name) => !names.has(name));
  const attempt = createAttempt(ports, transitions);
  for (const name of gone) await attempt.rule(name, () => endRule(name, round));
  const upSince = createUpQuery(round);
  for (const rule of config.rules) {
    if (partial && rule.aggregate) continue;
    await attempt.rule(rule.name, () => evaluateRule(rule, round, upSince));
  }
  for (const { rule, kind, reason, labels, atMs } of transitions) {
    ports.meter.count('transitions_total', { kind });
    ports.logger.info(`alert ${kind}`, { rule, ...labels, reason, at: new Date(atMs).toISOString() });
  }
  attempt.end();
  return transitions;
}

/** Judges rules one by one, each with its own failure. */
function createAttempt({ meter, logger, onRuleFailed }: EvaluatePorts, transitions: Transition[]) {
  let again: unknown;
  let outInARow = 0;
  return {
    async rule(name: string, run: () => Promise<Transition[]>): Promise<void> {
      if (outInARow >= SURELY_OUT) return;
      try {
        appendAll(transitions, await retried(run));
        outInARow = 0;
      } catch (error) {
        const isOut = error instanceof RetryableError;
        outInARow = isOut ? outInARow + 1 : 0;
        if (isOut || error instanceof ConflictError) again ??= error;
        meter.count('rule_failures_total', { rule: name });
        logger.error('a rule could not be judged; the others are', {
          rule: name,
          error: describeError(error),
        });
        onRuleFailed?.(name, error);
      }
    },
    /** What a later call may do better is for the caller to repeat; what is wrong with one rule is not. */
    end(): void {
      if (again !== undefined) throw again;
    },
  };
}

type UpQuery = ReturnType<typeof createUpQuery>;

async function evaluateRule(rule: Rule, round: ShardRound, upSince: UpQuery): Promise<Transition[]> {
  const view = viewOf(round.shard, rule, round.targets);
  if (!view) return leaveRule(rule.name, round);
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
  await commitAlerts(alerts, round, result);
  if (!checkpoint) await dropOtherNumbers(rule.name, round);
  await state.saveCheckpoint(rule.name, shardName(shard), result.checkpoint, version);
  for (const status of ['pending', 'firing'] as const) {
    meter.gauge('alerts', result.alerts.filter((alert) => alert.status === status).length, {
      rule: rule.name,
      status,
    });
  }
  return result.transitions;
}

async function retried(run: () => Promise<Transition[]>): Promise<Transition[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw error;
    }
  }
}
