import type { Config } from '../config/types.ts';
import { currentForMs } from '../current.ts';
import { describeError } from '../errors.ts';
import { firingTest } from '../evaluate/condition.ts';
import { placeOf } from '../evaluate/identity.ts';
import { judgedSeries } from '../evaluate/judged.ts';
import { NO_DATA_UPS } from '../evaluate/no-data.ts';
import { labelKey } from '../labels.ts';
import type { Alert, Check, LabelGlobs, Point, Rule, Series } from '../model.ts';
import { episodeOf } from '../notify/incident.ts';
import type { Incident, IncidentAlert } from '../notify/model.ts';
import type { CurrentState } from '../notify/notification.ts';
import type { Clock, Logger, Meter, SampleStore, Secrets } from '../ports.ts';
import { intervalOf } from './shard-round.ts';

export interface CurrentStatePorts {
  store: Pick<SampleStore, 'query' | 'latest'>;
  clock: Clock;
  logger: Logger;
  meter: Meter;
  secrets: Pick<Secrets, 'redact'>;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** A message waits this long for its values; then it says those it has, with their times. */
export const VALUES_WITHIN_MS = 2_000;
/** How far back the last value of a series that ended is looked for. */
const LAST_SEEN_WITHIN_MS = 3_600_000;
/** Alerts of one rule whose values are read: beyond, those that come last in the message keep what they have. */
const MOST_ALERTS = 1_000;
/** More names than this in a condition cost a store more than the series that they leave out. */
const MOST_NAMES = 50;

/**
 * What is known now of each firing alert, by episode: the newest value that its rule sees, window and aggregate applied
 * as they are in evaluation, and what evaluation found last. Of each rule one query, and one look at its alerts. Never
 * throws: what is not given in time is not there, counted and logged.
 */
export async function currentStates(
  input: {
    incident: Pick<Incident, 'id' | 'rules'>;
    alerts: readonly IncidentAlert[];
    config: Pick<Config, 'checks'>;
    /** Alerts of a rule as evaluation left them, by id. */
    alertsOf: (rule: string) => Promise<ReadonlyMap<string, Alert>>;
    signal: AbortSignal;
  },
  ports: CurrentStatePorts,
): Promise<ReadonlyMap<string, CurrentState>> {
  const firing = input.alerts.filter(({ status }) => status === 'firing');
  const newest = new Map<string, Point>();
  const verdicts = new Map<string, Alert>();
  if (firing.length === 0) return new Map();
  const missing = (why: string) => {
    ports.meter.count('values_missing_total');
    const fields = { incident: input.incident.id, why: ports.secrets.redact(why) };
    ports.logger.warn('message says values of before', fields);
  };
  let over = false;
  /** What comes after the message was put together must not change it. */
  const reading = async <T>(read: () => Promise<T>): Promise<T | undefined> => {
    try {
      const found = await read();
      return over ? undefined : found;
    } catch (error) {
      if (!over) missing(describeError(error));
      return undefined;
    }
  };
  const nowMs = ports.clock.nowMs();
  const { checks } = input.config;
  const reads = [...Map.groupBy(firing, (alert) => alert.rule)].map(async ([name, alerts]) => {
    const rule = input.incident.rules[name];
    if (!rule) return;
    const points = await reading(() => readNewest(rule, alerts.slice(0, MOST_ALERTS), checks, ports));
    for (const [episode, point] of points ?? []) newest.set(episode, point);
    const newMs = nowMs - NO_DATA_UPS * intervalOf(checks, alerts);
    const breachesNow = (alert: IncidentAlert) => {
      const point = newest.get(episodeOf(alert));
      return point !== undefined && point.timeMs >= newMs && firingTest(rule)(point.value);
    };
    // A sample that breaches may be newer than the verdict; and in a storm, when all breach, the alerts of a rule are many.
    const unclear = alerts.filter((alert) => !breachesNow(alert));
    if (over || unclear.length === 0) return;
    const stored = await reading(() => input.alertsOf(name));
    for (const { alertId } of unclear) {
      const verdict = stored?.get(alertId);
      if (verdict) verdicts.set(alertId, verdict);
    }
  });
  const done = new AbortController();
  const late = Symbol('late');
  const waited = ports.sleep(VALUES_WITHIN_MS, AbortSignal.any([input.signal, done.signal])).then(() => late);
  if ((await Promise.race([Promise.all(reads), waited])) === late) missing('it took too long');
  over = true;
  done.abort();
  const currentMs = currentForMs(intervalOf(checks, firing));
  return new Map(
    firing.map((alert) => {
      const [point, verdict] = [newest.get(episodeOf(alert)), verdicts.get(alert.alertId)];
      return [episodeOf(alert), stateOf({ alert, point, verdict, nowMs, currentMs })];
    }),
  );
}

function stateOf(input: {
  alert: IncidentAlert;
  point: Point | undefined;
  verdict: Alert | undefined;
  nowMs: number;
  currentMs: number;
}): CurrentState {
  const { alert, verdict, nowMs, currentMs } = input;
  const {
    value,
    valueAtMs: timeMs,
    clearedAtMs,
    noDataSinceMs,
  } = verdict?.status === 'firing' ? verdict : ({} as Partial<Alert>);
  const judged = value === undefined || timeMs === undefined ? undefined : { timeMs, value };
  const last = [input.point, judged]
    .filter((point) => point !== undefined)
    // What it fired with is newer.
    .filter((point) => Number.isFinite(point.value) && point.timeMs >= alert.firedAtMs)
    .reduce<Point | undefined>((a, b) => (a && a.timeMs >= b.timeMs ? a : b), undefined);
  const since = (ms: number | undefined) => ms !== undefined && ms >= alert.sinceMs;
  return {
    ...(last && { value: last.value, ...(nowMs - last.timeMs > currentMs && { atMs: last.timeMs }) }),
    ...(since(clearedAtMs) && { clearedAtMs }),
    ...(since(noDataSinceMs) && { noDataSinceMs }),
  };
}

/** The newest sample of each, by episode. */
async function readNewest(
  rule: Rule,
  alerts: readonly IncidentAlert[],
  checks: readonly Check[],
  { store, clock }: CurrentStatePorts,
): Promise<Map<string, Point>> {
  const nowMs = clock.nowMs();
  const intervalMs = intervalOf(checks, alerts);
  const currentMs = currentForMs(intervalMs);
  const newest = new Map<string, Point>();
  for (const { labels, points } of await readSeries(rule, alerts, { nowMs, intervalMs, currentMs }, store)) {
    const last = points.at(-1);
    if (last) newest.set(labelKey(labels), last);
  }
  return new Map(
    alerts.flatMap((alert): [string, Point][] => {
      const point = newest.get(labelKey(alert.labels));
      return point ? [[episodeOf(alert), point]] : [];
    }),
  );
}

/** Of samples as they are only the newest; of windows and groups all that these are made of. */
async function readSeries(
  rule: Rule,
  alerts: readonly IncidentAlert[],
  { nowMs, intervalMs, currentMs }: { nowMs: number; intervalMs: number; currentMs: number },
  store: CurrentStatePorts['store'],
): Promise<readonly Series[]> {
  const where = { ...rule.where, ...placesOf(rule, alerts) };
  const { metric, window } = rule;
  if (!window && !rule.aggregate) {
    return store.latest({ metric, where, sinceMs: nowMs - Math.max(LAST_SEEN_WITHIN_MS, currentMs) });
  }
  // Of the round under way a group may have few of its members yet, and what few come to is not what it comes to.
  const toMs = rule.aggregate ? nowMs - intervalMs : nowMs;
  const fromMs = toMs - currentMs;
  const series = await store.query({ metric, where, fromMs: fromMs - (window?.lastMs ?? 0), toMs });
  const targets = Map.groupBy(series, ({ labels }) => placeOf(labels));
  const expected = [...targets.values()].flatMap(([one]) => (one ? [{ labels: one.labels }] : []));
  return judgedSeries({ rule, series, intervalMs, targets: expected }, fromMs - 1);
}

/** Where the alerts are, as far as that narrows the query; only labels that their samples have as well. */
function placesOf(rule: Rule, alerts: readonly IncidentAlert[]): LabelGlobs {
  const where: Record<string, readonly string[]> = {};
  for (const name of ['bastion', 'cluster', 'node']) {
    if (rule.aggregate && !rule.aggregate.by.includes(name)) continue;
    const found = new Set(alerts.map(({ labels }) => labels[name]));
    const values = [...found].filter((value) => value !== undefined);
    if (values.length > 0 && values.length === found.size && values.length <= MOST_NAMES)
      where[name] = values;
  }
  return where;
}
