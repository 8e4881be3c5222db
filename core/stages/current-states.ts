import { currentForMs } from '../current.ts';
import { describeError } from '../errors.ts';
import { firingTest } from '../evaluate/condition.ts';
import { reducedEveryMs } from '../evaluate/forecast-step.ts';
import { nodeKey } from '../evaluate/identity.ts';
import { NO_DATA_UPS } from '../evaluate/no-data.ts';
import { lookBackMs } from '../evaluate/range.ts';
import { deriveSeries } from '../evaluate/rule-series.ts';
import { createIntervals, type Intervals, ruleIntervals } from '../intervals.ts';
import { labelKey } from '../labels.ts';
import type { Alert } from '../model/alert.ts';
import type { Check } from '../model/check.ts';
import type { Config } from '../model/config.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
import type { LabelGlobs, Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Point, Series } from '../model/sample.ts';
import { episodeOf } from '../notify/episode.ts';
import type { CurrentState } from '../notify/notification.ts';
import { leastOf } from '../numbers/extremes.ts';
import type { Clock, Logger, Meter, SampleStore, Secrets } from '../ports.ts';
import { isPlain, queryRule } from '../rule-query.ts';

export interface CurrentStatePorts {
  store: Pick<SampleStore, 'query' | 'latest'>;
  clock: Clock;
  logger: Logger;
  meter: Meter;
  secrets: Pick<Secrets, 'redact'>;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** A message waits this long for its values; then it shows those it has, with their times. */
export const VALUES_WITHIN_MS = 2_000;
/** How far back to search for the last value of a series that ended. */
const LAST_SEEN_WITHIN_MS = 3_600_000;
/** Alerts of one rule whose values are read: beyond, those that come last in the message keep what they have. */
const MOST_ALERTS = 1_000;
/** More names than this in a condition cost a store more than the series that they leave out. */
const MOST_NAMES = 50;

/**
 * The current state of each firing alert, by episode: the newest value of its rule's series, with window and aggregate as
 * in evaluation, and the stored alert. Costs one query a rule, and one read of its alerts. Never throws: a value that does
 * not come in time is left out, counted and logged.
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
    ports.logger.warn('message has former values', fields);
  };
  let over = false;
  /** A value that comes after the message was built must not change it. */
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
  const intervals = createIntervals(checks);
  /** How long values of a rule's alerts are current. */
  const currentMs = new Map<string, number>();
  const reads = [...Map.groupBy(firing, (alert) => alert.rule)].map(async ([name, alerts]) => {
    const rule = input.incident.rules[name];
    if (!rule) return;
    const { intervalMs } = ruleIntervals(intervals, rule, alerts);
    currentMs.set(name, currentForMs(intervalMs));
    const points = await reading(() => readNewest(rule, alerts.slice(0, MOST_ALERTS), checks, ports));
    for (const [episode, point] of points ?? []) newest.set(episode, point);
    const newMs = nowMs - NO_DATA_UPS * reducedEveryMs(rule, intervalMs);
    const breachesNow = (alert: IncidentAlert) => {
      const point = newest.get(episodeOf(alert));
      return point !== undefined && point.timeMs >= newMs && firingTest(rule)(point.value);
    };
    // A sample that breaches needs no stored alert: in a storm, when all breach, a rule has many alerts to read.
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
  return new Map(
    firing.map((alert) => {
      const [point, verdict] = [newest.get(episodeOf(alert)), verdicts.get(alert.alertId)];
      const ofRule = currentMs.get(alert.rule) ?? currentForMs(0);
      return [episodeOf(alert), stateOf({ alert, point, verdict, nowMs, currentMs: ofRule })];
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
  const evaluated = value === undefined || timeMs === undefined ? undefined : { timeMs, value };
  const last = [input.point, evaluated]
    .filter((point) => point !== undefined)
    // An older value than the one the alert fired with is of no use.
    .filter((point) => Number.isFinite(point.value) && point.timeMs >= alert.firedAtMs)
    .reduce<Point | undefined>((a, b) => (a && a.timeMs >= b.timeMs ? a : b), undefined);
  const since = (ms: number | undefined) => ms !== undefined && ms >= alert.sinceMs;
  return {
    ...(last && { value: last.value, ...(nowMs - last.timeMs > currentMs && { atMs: last.timeMs }) }),
    ...(since(clearedAtMs) && { clearedAtMs }),
    ...(since(noDataSinceMs) && { noDataSinceMs }),
  };
}

/** The newest value of each alert, by episode. */
async function readNewest(
  rule: Rule,
  alerts: readonly IncidentAlert[],
  checks: readonly Check[],
  ports: CurrentStatePorts,
): Promise<Map<string, Point>> {
  const newest = await newestPoints(rule, alerts, checks, ports);
  return new Map(
    alerts.flatMap((alert): [string, Point][] => {
      const point = newest.get(labelKey(alert.labels));
      return point ? [[episodeOf(alert), point]] : [];
    }),
  );
}

/** The newest values of the rule's series, by `labelKey`: those of these alerts, and perhaps of others. */
export async function newestPoints(
  rule: Rule,
  alerts: readonly { labels: Labels }[],
  checks: readonly Check[],
  { store, clock }: Pick<CurrentStatePorts, 'store' | 'clock'>,
): Promise<Map<string, Point>> {
  const nowMs = clock.nowMs();
  const times = { nowMs, tickMs: leastOf(checks.map(({ everyMs }) => everyMs)) };
  const found = await readSeries(rule, alerts, { ...times, intervals: createIntervals(checks) }, store);
  return new Map(
    found.flatMap(({ labels, points }): [string, Point][] => {
      const last = points.at(-1);
      return last ? [[labelKey(labels), last]] : [];
    }),
  );
}

/** Reads the newest sample of a plain rule, and all samples that a ratio, a window or a group is derived from. */
async function readSeries(
  rule: Rule,
  alerts: readonly { labels: Labels }[],
  { nowMs, tickMs, intervals }: { nowMs: number; tickMs: number; intervals: Intervals },
  store: CurrentStatePorts['store'],
): Promise<readonly Series[]> {
  const { whereNot } = rule;
  const known = ruleIntervals(intervals, rule, alerts);
  const currentMs = currentForMs(known.intervalMs);
  const selection = { where: { ...rule.where, ...nodesOf(rule, alerts) }, ...(whereNot && { whereNot }) };
  if (isPlain(rule)) {
    return store.latest({
      metric: rule.metric,
      ...selection,
      sinceMs: nowMs - Math.max(LAST_SEEN_WITHIN_MS, currentMs),
    });
  }
  // In the round under way a group may have samples of few members only, which make a wrong aggregate.
  const toMs = rule.aggregate ? nowMs - Math.min(tickMs, known.intervalMs) : nowMs;
  const fromMs = toMs - currentMs;
  const range = { fromMs: fromMs - lookBackMs(rule, known), toMs };
  const series = await queryRule(store, rule, { ...selection, ...range });
  const targets = Map.groupBy(series, ({ labels }) => nodeKey(labels));
  const expected = [...targets.values()].flatMap(([one]) => (one ? [{ labels: one.labels }] : []));
  return deriveSeries({ rule, series, ...known, targets: expected }, fromMs - 1);
}

/** The nodes of the alerts, as far as they narrow the query; only labels that the samples have as well. */
function nodesOf(rule: Rule, alerts: readonly { labels: Labels }[]): LabelGlobs {
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
