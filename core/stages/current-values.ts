import type { Config } from '../config/types.ts';
import { currentForMs } from '../current.ts';
import { describeError } from '../errors.ts';
import { placeOf } from '../evaluate/identity.ts';
import { judgedSeries } from '../evaluate/judged.ts';
import { labelKey } from '../labels.ts';
import type { Check, LabelGlobs, Point, Rule, Series } from '../model.ts';
import { episodeOf } from '../notify/incident.ts';
import type { Incident, IncidentAlert } from '../notify/model.ts';
import type { CurrentValue } from '../notify/notification.ts';
import type { Clock, Logger, Meter, SampleStore, Secrets } from '../ports.ts';
import { intervalOf } from './shard-round.ts';

export interface CurrentValuePorts {
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
 * The newest value that the rule sees now of each firing alert, by episode: window and aggregate applied as they are in
 * evaluation. One query a rule. Never throws: what the store does not give in time is not there, counted and logged.
 */
export async function currentValues(
  input: {
    incident: Pick<Incident, 'id' | 'rules'>;
    alerts: readonly IncidentAlert[];
    config: Pick<Config, 'checks'>;
    signal: AbortSignal;
  },
  ports: CurrentValuePorts,
): Promise<ReadonlyMap<string, CurrentValue>> {
  const values = new Map<string, CurrentValue>();
  const byRule = Map.groupBy(
    input.alerts.filter(({ status }) => status === 'firing'),
    (alert) => alert.rule,
  );
  if (byRule.size === 0) return values;
  const missing = (why: string) => {
    ports.meter.count('values_missing_total');
    const fields = { incident: input.incident.id, why: ports.secrets.redact(why) };
    ports.logger.warn('message says values of before', fields);
  };
  let over = false;
  const read = [...byRule].map(async ([name, alerts]) => {
    const rule = input.incident.rules[name];
    if (!rule) return;
    try {
      const found = await readRule(rule, alerts.slice(0, MOST_ALERTS), input.config.checks, ports);
      // What comes after the message was put together must not change it.
      if (!over) for (const [episode, value] of found) values.set(episode, value);
    } catch (error) {
      if (!over) missing(describeError(error));
    }
  });
  const done = new AbortController();
  const late = Symbol('late');
  const waited = ports.sleep(VALUES_WITHIN_MS, AbortSignal.any([input.signal, done.signal])).then(() => late);
  if ((await Promise.race([Promise.all(read), waited])) === late) missing('the store took too long');
  over = true;
  done.abort();
  return values;
}

async function readRule(
  rule: Rule,
  alerts: readonly IncidentAlert[],
  checks: readonly Check[],
  { store, clock }: CurrentValuePorts,
): Promise<Map<string, CurrentValue>> {
  const nowMs = clock.nowMs();
  const intervalMs = intervalOf(checks, alerts);
  const currentMs = currentForMs(intervalMs);
  const newest = new Map<string, Point>();
  for (const { labels, points } of await readSeries(rule, alerts, { nowMs, intervalMs, currentMs }, store)) {
    const last = points.at(-1);
    if (last) newest.set(labelKey(labels), last);
  }
  const values = new Map<string, CurrentValue>();
  for (const alert of alerts) {
    const last = newest.get(labelKey(alert.labels));
    // What it fired with is newer.
    if (!last || !Number.isFinite(last.value) || last.timeMs < alert.firedAtMs) continue;
    const old = nowMs - last.timeMs > currentMs;
    values.set(episodeOf(alert), { value: last.value, ...(old && { atMs: last.timeMs }) });
  }
  return values;
}

/** Of samples as they are only the newest; of windows and groups all that these are made of. */
async function readSeries(
  rule: Rule,
  alerts: readonly IncidentAlert[],
  { nowMs, intervalMs, currentMs }: { nowMs: number; intervalMs: number; currentMs: number },
  store: CurrentValuePorts['store'],
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
