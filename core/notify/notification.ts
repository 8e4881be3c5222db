import { currentForMs } from '../current.ts';
import { naturalOrder } from '../labels.ts';
import { conditionOf, measureOf } from '../measure.ts';
import type { Incident, IncidentAlert, NotificationAttempt } from '../model/incident.ts';
import type { Notification, NotificationAlert } from '../model/notification.ts';
import type { NotifyReason } from '../model/notify-reason.ts';
import { SEVERITIES } from '../model/rule.ts';
import type { TargetStatus } from '../model/target-status.ts';
import { visibleLine } from '../text/visible-line.ts';
import { badness, compareBadness } from './badness.ts';
import { episodeOf } from './episode.ts';
import { renderSummary, type TextTime } from './summary.ts';

/** Metrics about reaching a node or a bastion: a message on them holds the last failure. */
const REACHABILITY = new Set(['up', 'host_key_mismatch', 'bastion_up', 'bastion_host_key_mismatch']);

/** Whether a message on these alerts describes how probes failed. */
export function describesFailures(incident: Incident, alerts: readonly IncidentAlert[]): boolean {
  return alerts.some((alert) => REACHABILITY.has(incident.rules[alert.rule]?.metric ?? ''));
}

/** The current values of an alert that fires. */
export interface CurrentState {
  /** The newest value; `atMs` where it is not current. */
  value?: number;
  atMs?: number;
  /** The rule finds it good since then, and waits for `keepFiringFor`. */
  clearedAtMs?: number;
  noDataSinceMs?: number;
}

/** A value without a time is as old as the firing; if that is longer ago than this, the message shows the time. */
const RECENT_MS = currentForMs(0);

/** The message for a channel: the alerts with everything that is shown of them, news first, then the worst. */
export function buildNotification(input: {
  incident: Incident;
  attempt: NotificationAttempt;
  reason: NotifyReason;
  alerts: readonly IncidentAlert[];
  /** Episodes that are news to the channel. */
  news: readonly string[];
  /** By episode; what is not among them keeps the value it fired or resolved with. */
  current: ReadonlyMap<string, CurrentState>;
  statuses: readonly TargetStatus[];
  timeZone: string;
  nowMs: number;
}): Notification {
  const { incident, attempt, nowMs, timeZone } = input;
  const news = new Set(input.news);
  const alerts = input.alerts
    .map((alert) => {
      const described = {
        ...alert,
        ...(alert.status === 'firing' && stateNow(alert, input.current.get(episodeOf(alert)), nowMs)),
        ...(isUnsent(alert, incident) && { untold: true as const }),
        news: news.has(episodeOf(alert)),
      };
      return describe(described, incident, input.statuses, { nowMs, timeZone });
    })
    .sort(newsFirst(incident.rules));
  const firing = alerts.filter(({ status }) => status === 'firing');
  const severities = (firing.length > 0 ? firing : alerts).map(({ severity }) =>
    SEVERITIES.indexOf(severity),
  );
  return {
    incidentId: incident.id,
    number: attempt.number,
    key: [incident.id, attempt.number, attempt.epoch].filter((part) => part !== undefined).join(':'),
    route: incident.route,
    channel: incident.channel,
    reason: input.reason,
    status: firing.length > 0 ? 'firing' : 'resolved',
    severity: SEVERITIES[severities.reduce((a, b) => Math.max(a, b), 0)] ?? 'info',
    atMs: nowMs,
    timeZone,
    groupLabels: incident.groupLabels,
    alerts,
    links: {},
  };
}

/** What is known now of an alert that fires; its value of firing has the time of that. */
function stateNow(
  alert: IncidentAlert,
  { value, atMs, clearedAtMs, noDataSinceMs }: CurrentState = {},
  nowMs: number,
): Pick<NotificationAlert, 'value' | 'valueAtMs' | 'clearedAtMs' | 'noDataSinceMs'> {
  const old = alert.value !== undefined && nowMs - alert.firedAtMs > RECENT_MS;
  const valueAtMs = value === undefined && old ? alert.firedAtMs : atMs;
  return {
    ...(value !== undefined && { value }),
    ...(valueAtMs !== undefined && { valueAtMs }),
    ...(clearedAtMs !== undefined && { clearedAtMs }),
    ...(noDataSinceMs !== undefined && { noDataSinceMs }),
  };
}

function isUnsent(alert: IncidentAlert, { notified }: Incident): boolean {
  return alert.status === 'resolved' && notified[episodeOf(alert)] === undefined;
}

function describe(
  alert: IncidentAlert & Pick<NotificationAlert, 'news' | 'valueAtMs' | 'noDataSinceMs' | 'untold'>,
  incident: Incident,
  statuses: readonly TargetStatus[],
  time: TextTime,
): NotificationAlert {
  const rule = incident.rules[alert.rule];
  const { name: metric, unit } = rule ? measureOf(rule) : { name: '', unit: 'count' as const };
  const detail =
    alert.status === 'firing' && rule && REACHABILITY.has(rule.metric)
      ? failureOf(alert, statuses)
      : undefined;
  return {
    ...alert,
    title: visibleLine(rule?.title ?? alert.rule),
    metric,
    unit,
    conditionText: rule ? conditionOf(rule) : '',
    forMs: rule?.forMs ?? 0,
    summary: rule ? renderSummary(rule, alert, time) : alert.rule,
    ...(detail === undefined ? {} : { detail }),
    ...(rule?.runbook === undefined ? {} : { runbook: rule.runbook }),
  };
}

function failureOf(alert: IncidentAlert, statuses: readonly TargetStatus[]): string | undefined {
  const { bastion } = alert.labels;
  const { cluster, node } = bastion === undefined ? alert.labels : { cluster: '', node: bastion };
  const failed = statuses
    .filter((status) => status.cluster === cluster && status.node === node && !status.ok)
    // A batch that no longer exists leaves its last status behind.
    .sort((a, b) => b.roundMs - a.roundMs)[0];
  return failed && visibleLine(`${failed.reason}: ${failed.detail}`);
}

/** The news, then what fires, by severity; of one rule the worst value first, as in pictures; then by labels. */
function newsFirst(rules: Incident['rules']) {
  const worse = (alert: NotificationAlert) => {
    const rule = rules[alert.rule];
    return rule && alert.status === 'firing' ? badness(rule.condition, alert.value) : -Infinity;
  };
  return (a: NotificationAlert, b: NotificationAlert): number =>
    Number(b.news) - Number(a.news) ||
    Number(b.status === 'firing') - Number(a.status === 'firing') ||
    SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) ||
    naturalOrder.compare(a.rule, b.rule) ||
    compareBadness(worse(a), worse(b)) ||
    naturalOrder.compare(JSON.stringify(a.labels), JSON.stringify(b.labels));
}
