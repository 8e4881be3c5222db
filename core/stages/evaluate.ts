import type { Config } from '../config/types.ts';
import { ConflictError } from '../errors.ts';
import { evaluationRange, expectedTargets, evaluate as judge, removeRule } from '../evaluate/evaluate.ts';
import { labelsMatch } from '../labels.ts';
import type { Alert, Check, LabelGlobs, Labels, Rule, Series, Target, Transition } from '../model.ts';
import { ownsAlert, type Shard, shardName, viewOf } from '../plan/shards.ts';
import type { Logger, Meter, SampleStore, StateStore, Versioned } from '../ports.ts';

export interface EvaluatePorts {
  store: SampleStore;
  state: StateStore;
  logger: Logger;
  meter: Meter;
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

/**
 * Judges every rule and commits what changed: each alert with its transitions and outbox items in one
 * transaction, the rule's checkpoint last. Killed anywhere, the next call folds again and commits the rest.
 */
export async function evaluate(request: EvaluateRequest, ports: EvaluatePorts): Promise<Transition[]> {
  const transitions: Transition[] = [];
  const names = new Set(request.config.rules.map((rule) => rule.name));
  const gone = (await ports.state.listRules()).filter((name) => !names.has(name));
  for (const name of gone) transitions.push(...(await retried(() => endRule(name, request, ports))));
  const upSince = createUpQuery(ports.store, request);
  for (const rule of request.config.rules) {
    if (request.partial && rule.aggregate) continue;
    const view = viewOf(request.shard, rule, request.targets);
    if (view) transitions.push(...(await retried(() => evaluateRule(rule, view, request, ports, upSince))));
  }
  for (const { rule, kind, reason, labels, atMs } of transitions) {
    ports.meter.count('transitions_total', { kind });
    ports.logger.info(`alert ${kind}`, { rule, ...labels, reason, at: new Date(atMs).toISOString() });
  }
  return transitions;
}

async function evaluateRule(
  rule: Rule,
  { targets, where }: { targets: readonly Target[]; where: LabelGlobs },
  request: EvaluateRequest,
  ports: EvaluatePorts,
  upSince: UpQuery,
): Promise<Transition[]> {
  const { config, roundMs } = request;
  const { store, state, meter } = ports;
  const shard = shardName(request.shard);
  const stored = await state.loadCheckpoint(rule.name, shard);
  const alerts = await alertsOf(rule.name, request, ports);
  const { latenessMs } = config.schedule;
  const aheadMs = (stored?.value.evaluatedToMs ?? roundMs) - roundMs;
  // Judged further already: a late call, or a clock that was set back a little.
  if (aheadMs > 0 && aheadMs <= latenessMs) return [];
  if (aheadMs > 0) {
    meter.count('checkpoints_ahead_total', { rule: rule.name });
    ports.logger.error('the clock was ahead when this rule was judged last; it is judged anew', {
      rule: rule.name,
      judgedTo: new Date(roundMs + aheadMs).toISOString(),
    });
  }
  const checkpoint = aheadMs > 0 ? undefined : stored?.value;
  const expected = expectedTargets(rule, targets);
  const intervalMs = intervalOf(config.checks, expected);
  const { fromMs } = evaluationRange({ rule, intervalMs, latenessMs, checkpoint, nowMs: roundMs });
  // A shard that has none of the clusters that the rule looks at asks for nothing.
  const series =
    where.cluster?.length === 0
      ? []
      : await store.query({ metric: rule.metric, where, fromMs, toMs: roundMs });
  const up = await upSince(fromMs);
  const result = judge({
    rule,
    intervalMs,
    latenessMs,
    series,
    up,
    targets: expected,
    checkpoint,
    alerts: alerts.map((alert) => alert.value),
    nowMs: roundMs,
  });
  await commitAlerts(alerts, roundMs, ports, result);
  await state.saveCheckpoint(rule.name, shard, result.checkpoint, stored?.version ?? 0);
  for (const status of ['pending', 'firing'] as const) {
    meter.gauge('alerts', result.alerts.filter((alert) => alert.status === status).length, {
      rule: rule.name,
      status,
    });
  }
  return result.transitions;
}

type UpQuery = (fromMs: number) => Promise<Series[]>;

/** `up` of all nodes, asked for once by all rules whose range it covers: most begin where the last evaluation settled. */
function createUpQuery(store: SampleStore, { shard, targets, roundMs: toMs }: EvaluateRequest): UpQuery {
  let asked: { fromMs: number; series: Series[] } | undefined;
  const own = targets.filter(({ cluster }) => ownsAlert(shard, { cluster })).map(({ cluster }) => cluster);
  const where: LabelGlobs = shard.kind === 'clusters' ? { cluster: [...new Set(own)] } : {};
  return async (fromMs) => {
    if (where.cluster?.length === 0) return [];
    if (!asked || asked.fromMs > fromMs) {
      asked = { fromMs, series: await store.query({ metric: 'up', where, fromMs, toMs }) };
    }
    return asked.series;
  };
}

/** The rule's stored alerts that this shard judges. */
async function alertsOf(
  rule: string,
  { shard }: EvaluateRequest,
  { state }: EvaluatePorts,
): Promise<Versioned<Alert>[]> {
  return (await state.listAlerts(rule)).filter((alert) => ownsAlert(shard, alert.value.labels));
}

/** The slowest of the checks that look at the rule's targets; of all checks where it has none, as for bastions. */
function intervalOf(checks: readonly Check[], expected: readonly { labels: Labels }[]): number {
  const mine = checks.filter((check) => expected.some(({ labels }) => labelsMatch(check.where, labels)));
  return Math.max(...(mine.length > 0 ? mine : checks).map((check) => check.everyMs));
}

async function endRule(name: string, request: EvaluateRequest, ports: EvaluatePorts): Promise<Transition[]> {
  const shard = shardName(request.shard);
  const stored = await ports.state.loadCheckpoint(name, shard);
  const alerts = await alertsOf(name, request, ports);
  const ended = removeRule({
    rule: name,
    alerts: alerts.map((alert) => alert.value),
    nowMs: request.roundMs,
  });
  await commitAlerts(alerts, request.roundMs, ports, ended);
  if (stored) await ports.state.deleteCheckpoint(name, shard);
  return ended.transitions;
}

/** Writes only alerts that changed against the stored ones. */
async function commitAlerts(
  stored: readonly Versioned<Alert>[],
  dueAtMs: number,
  ports: EvaluatePorts,
  result: { alerts: Alert[]; transitions: Transition[] },
): Promise<void> {
  const before = new Map(stored.map((alert) => [alert.value.id, alert]));
  const byAlert = Map.groupBy(result.transitions, (transition) => transition.alertId);
  for (const alert of result.alerts) {
    const known = before.get(alert.id);
    const transitions = byAlert.get(alert.id) ?? [];
    if (transitions.length === 0 && known && sameState(known.value, alert)) continue;
    await ports.state.commitAlert({ alert, expectedVersion: known?.version ?? 0, transitions, dueAtMs });
  }
}

/** Equal but for the newest value, which moves with every sample and is not worth a write. */
function sameState(a: Alert, b: Alert): boolean {
  return (
    a.status === b.status &&
    a.sinceMs === b.sinceMs &&
    a.firedAtMs === b.firedAtMs &&
    a.clearedAtMs === b.clearedAtMs &&
    a.noDataSinceMs === b.noDataSinceMs &&
    a.reason === b.reason
  );
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
