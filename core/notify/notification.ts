import { findMetric } from '../catalogue.ts';
import { formatCondition } from '../format.ts';
import { renderSummary } from '../message/summary.ts';
import { SEVERITIES } from '../model.ts';
import type { TargetStatus } from '../ports.ts';
import { visibleText } from '../visible-text.ts';
import type {
  Incident,
  IncidentAlert,
  Notification,
  NotificationAlert,
  NotificationAttempt,
  NotifyReason,
} from './model.ts';

/** Metrics about reaching a node or a bastion: a message on them says how that failed last. */
const REACHABILITY = new Set(['up', 'host_key_mismatch', 'bastion_up', 'bastion_host_key_mismatch']);

/** Whether a message on these alerts says how probes failed. */
export function tellsOfFailures(incident: Incident, alerts: readonly IncidentAlert[]): boolean {
  return alerts.some((alert) => REACHABILITY.has(incident.rules[alert.rule]?.metric ?? ''));
}

/** What the channel is given: the alerts with all that is to be said of them, the worst first. */
export function buildNotification(input: {
  incident: Incident;
  attempt: NotificationAttempt;
  reason: NotifyReason;
  alerts: readonly IncidentAlert[];
  statuses: readonly TargetStatus[];
  timeZone: string;
  nowMs: number;
}): Notification {
  const { incident, attempt, nowMs } = input;
  const alerts = input.alerts
    .map((alert) => describe(alert, incident, input.statuses, nowMs))
    .sort(worstFirst);
  return {
    incidentId: incident.id,
    number: attempt.number,
    key: `${incident.id}:${attempt.number}`,
    route: incident.route,
    channel: incident.channel,
    reason: input.reason,
    status: alerts.some((alert) => alert.status === 'firing') ? 'firing' : 'resolved',
    severity: SEVERITIES[Math.max(0, ...alerts.map((alert) => SEVERITIES.indexOf(alert.severity)))] ?? 'info',
    atMs: nowMs,
    timeZone: input.timeZone,
    groupLabels: incident.groupLabels,
    alerts,
    links: {},
  };
}

function describe(
  alert: IncidentAlert,
  incident: Incident,
  statuses: readonly TargetStatus[],
  nowMs: number,
): NotificationAlert {
  const rule = incident.rules[alert.rule];
  const unit = findMetric(rule?.metric ?? '')?.unit ?? 'count';
  const detail =
    alert.status === 'firing' && rule && REACHABILITY.has(rule.metric)
      ? failureOf(alert, statuses)
      : undefined;
  return {
    ...alert,
    title: rule?.title ?? alert.rule,
    metric: rule?.metric ?? '',
    unit,
    conditionText: rule ? formatCondition(rule.condition, unit) : '',
    forMs: rule?.forMs ?? 0,
    summary: rule ? renderSummary(rule, alert, nowMs) : alert.rule,
    ...(detail === undefined ? {} : { detail }),
    ...(rule?.runbook === undefined ? {} : { runbook: rule.runbook }),
  };
}

function failureOf(alert: IncidentAlert, statuses: readonly TargetStatus[]): string | undefined {
  const { bastion } = alert.labels;
  const { cluster, node } = bastion === undefined ? alert.labels : { cluster: '', node: bastion };
  const failed = statuses
    .filter((status) => status.cluster === cluster && status.node === node && !status.ok)
    // Of a batch that is no more a status stays as it was.
    .sort((a, b) => b.roundMs - a.roundMs)[0];
  return failed && visibleText(`${failed.reason}: ${failed.detail}`);
}

function worstFirst(a: NotificationAlert, b: NotificationAlert): number {
  const firing = Number(b.status === 'firing') - Number(a.status === 'firing');
  const severity = SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity);
  return (
    firing ||
    severity ||
    JSON.stringify(a.labels).localeCompare(JSON.stringify(b.labels), 'en', { numeric: true })
  );
}
