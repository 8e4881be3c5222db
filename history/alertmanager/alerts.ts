// Firing alerts as Alertmanager shows them: with what withholds messages about them, and who gets those.

import { currentForMs } from '../../core/current.ts';
import { hashBytes } from '../../core/hash.ts';
import { createIntervals, type Intervals, ruleIntervals } from '../../core/intervals.ts';
import { allLabels } from '../../core/labels.ts';
import type { Alert } from '../../core/model/alert.ts';
import type { Config } from '../../core/model/config.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Rule } from '../../core/model/rule.ts';
import type { Destination } from '../../core/notify/incident.ts';
import { compileCovering, listedSilences } from '../../core/notify/listed-silences.ts';
import { destinationsOf, routedLabels } from '../../core/notify/routes.ts';
import { renderSummary } from '../../core/notify/summary.ts';
import { indexInhibitors } from '../../core/notify/suppression.ts';
import { visibleLine } from '../../core/text/visible-line.ts';
import { readNewestValues } from '../alert-values.ts';
import type { HistoryPorts } from '../ports.ts';
import { shownLabels } from './matcher-text.ts';

/**
 * Receiver of alerts that no route sends anywhere, so that they are seen, too. Names of channels do not begin like this.
 */
export const NOBODY = '_nobody';

/**
 * Alertmanager's default of `resolve_timeout`. There an alert ends then unless it is sent anew; here none ends by itself, and
 * each answer moves the end ahead.
 */
const ENDS_AFTER_MS = 5 * 60_000;

/** https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml, gettableAlert */
export interface ShownAlert {
  annotations: Record<string, string>;
  endsAt: string;
  fingerprint: string;
  receivers: { name: string }[];
  startsAt: string;
  status: {
    state: 'active' | 'suppressed';
    silencedBy: string[];
    inhibitedBy: string[];
    /** Muted by time intervals, which we do not have. */
    mutedBy: string[];
  };
  updatedAt: string;
  generatorURL?: string;
  labels: Record<string, string>;
}

export interface FiringAlert {
  shown: ShownAlert;
  destinations: readonly Destination[];
}

/** The alerts that fire and whose labels match, by fingerprint. */
export async function firingAlerts(
  ports: Pick<HistoryPorts, 'config' | 'state' | 'clock' | 'store' | 'logger'>,
  matches: (labels: Labels) => boolean,
): Promise<FiringAlert[]> {
  const { state } = ports;
  const nowMs = ports.clock.nowMs();
  const config = await ports.config();
  const alerts = (await state.listAlerts()).map(({ value }) => value);
  const stored = await state.listSilences({ endedAfterMs: nowMs });
  const silencesOf = compileCovering(listedSilences({ stored, file: config.silences, alerts, nowMs }));
  const rules = new Map(config.rules.map((rule) => [rule.name, rule]));
  const firing = alerts
    .filter(({ status }) => status === 'firing')
    .map((alert) => {
      const rule = rules.get(alert.rule);
      const labels = seenLabels(alert, rule);
      return { ...alert, all: labels, shown: shownLabels(labels) };
    });
  const inhibitorsOf = indexInhibitors(firing);
  const matching = firing.filter(({ shown }) => matches(shown));
  const values = await readNewestValues(ports, config, matching);
  const intervals = createIntervals(config.checks);
  return matching
    .map((found): FiringAlert => {
      const alert = { ...found, ...values.get(found.id) };
      const { id, rule: name, all, shown, sinceMs, status } = alert;
      const rule = rules.get(name);
      const silencedBy = silencesOf({ alertId: id, labels: all, sinceMs, status }).map((one) => one.id);
      const inhibitors = rule ? inhibitorsOf(alert, rule) : [];
      const inhibitedBy = [...new Set(inhibitors.map((other) => fingerprintOf(other.shown)))].sort();
      const destinations = destinationsOf(config.routes, rule, allLabels(alert));
      const receivers = destinations.map(({ channel }) => channel);
      return {
        destinations,
        shown: {
          annotations: annotationsOf(alert, rule, { config, intervals, nowMs }),
          endsAt: isoTime(nowMs + ENDS_AFTER_MS),
          fingerprint: fingerprintOf(shown),
          receivers: (receivers.length > 0 ? receivers : [NOBODY]).map((receiver) => ({ name: receiver })),
          startsAt: isoTime(alert.firedAtMs ?? sinceMs),
          status: {
            state: silencedBy.length + inhibitedBy.length > 0 ? 'suppressed' : 'active',
            silencedBy,
            inhibitedBy,
            mutedBy: [],
          },
          updatedAt: isoTime(alert.valueAtMs ?? alert.firedAtMs ?? sinceMs),
          ...generatorOf(alert, config),
          labels: shown,
        },
      };
    })
    .sort((a, b) => (a.shown.fingerprint < b.shown.fingerprint ? -1 : 1));
}

export interface ShownGroup {
  alerts: ShownAlert[];
  labels: Record<string, string>;
  receiver: { name: string };
}

/** The groups in which messages about these alerts go out: of each route and channel those that agree in its `groupBy`. */
export function groupsOf(alerts: readonly FiringAlert[]): ShownGroup[] {
  const groups = new Map<string, ShownGroup>();
  for (const { shown, destinations } of alerts) {
    const nobody = { route: '', channel: NOBODY, group: { key: '', labels: {} } };
    for (const { route, channel, group } of destinations.length > 0 ? destinations : [nobody]) {
      const key = JSON.stringify([channel, group.key, route]);
      const known = groups.get(key);
      if (known) known.alerts.push(shown);
      else
        groups.set(key, { alerts: [shown], labels: shownLabels(group.labels), receiver: { name: channel } });
    }
  }
  const keyOf = ({ labels, receiver }: ShownGroup) => JSON.stringify([labels, receiver.name]);
  return [...groups.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** As routes and silences see them. */
function seenLabels(alert: Alert, rule: Rule | undefined): Labels {
  const all = allLabels(alert);
  return rule ? routedLabels(rule, all) : { ...all, rule: alert.rule };
}

const utf8 = new TextEncoder();

/**
 * The same number as in Alertmanager for these labels:
 * https://github.com/prometheus/common/blob/main/model/signature.go, labelSetToFingerprint
 */
export function fingerprintOf(labels: Labels): string {
  const names = Object.keys(labels).sort();
  return hashBytes(joinBytes(names.flatMap((name) => [utf8.encode(name), utf8.encode(labels[name])])));
}

/** A byte that UTF-8 never has ends each text. */
function joinBytes(texts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(texts.reduce((sum, { length }) => sum + length + 1, 0));
  let at = 0;
  for (const text of texts) {
    bytes.set(text, at);
    at += text.length;
    bytes[at++] = 0xff;
  }
  return bytes;
}

function annotationsOf(
  alert: Alert,
  rule: Rule | undefined,
  { config, intervals, nowMs }: { config: Pick<Config, 'schedule'>; intervals: Intervals; nowMs: number },
): Record<string, string> {
  if (rule === undefined) return {};
  const { valueAtMs, ...firing } = alert;
  const { intervalMs } = ruleIntervals(intervals, rule, [alert]);
  const isOld = valueAtMs !== undefined && nowMs - valueAtMs > currentForMs(intervalMs);
  const described = { ...firing, status: 'firing' as const, ...(isOld && { valueAtMs }) };
  return {
    title: visibleLine(rule.title),
    summary: renderSummary(rule, described, { nowMs, timeZone: config.schedule.timeZone }),
    ...(rule.runbook !== undefined && { runbook_url: rule.runbook }),
  };
}

/** Where our own interface explains the alert, if people have an address of it. */
function generatorOf({ id }: Alert, { server }: Pick<Config, 'server'>): Pick<ShownAlert, 'generatorURL'> {
  const { publicUrl } = server;
  return publicUrl === undefined
    ? {}
    : { generatorURL: `${publicUrl.replace(/\/$/, '')}/v1/alerts/${encodeURIComponent(id)}` };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
