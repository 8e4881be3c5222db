import type { Incident, IncidentAlert } from '../model/incident.ts';
import type { Notification } from '../model/notification.ts';
import { beginAttempt } from './attempt.ts';
import { episodeOf } from './episode.ts';
import { buildNotification } from './notification.ts';

/** An event of Bartizan itself that is sent to every channel, whatever the routes. */
export interface Notice {
  /** Name of the alert as which it is sent. */
  name: string;
  title: string;
  summary: string;
  atMs: number;
  /** From then on it is over. */
  overAtMs: number;
}

/** The notice as its first message (firing), or its second (over). */
export function noticeMessage(input: {
  notice: Notice;
  channel: string;
  resolved: boolean;
  nowMs: number;
  timeZone: string;
}): Notification {
  const { notice, channel, resolved, nowMs, timeZone } = input;
  const { name, title, summary, atMs, overAtMs } = notice;
  const alert: IncidentAlert = {
    alertId: name,
    rule: name,
    severity: 'critical',
    labels: {},
    status: resolved ? 'resolved' : 'firing',
    sinceMs: atMs,
    firedAtMs: atMs,
    ...(resolved && { resolvedAtMs: overAtMs, clearedAtMs: overAtMs }),
    reason: 'threshold',
  };
  const incident: Incident = {
    id: `inc-${name}-${atMs}-${channel}`,
    route: name,
    channel,
    groupKey: name,
    groupLabels: { rule: name },
    openedAtMs: atMs,
    alerts: [alert],
    rules: {},
    notified: resolved ? { [episodeOf(alert)]: 'firing' } : {},
    notifications: resolved ? 1 : 0,
  };
  const reason = resolved ? 'all-resolved' : 'first';
  const notification = buildNotification({
    incident,
    attempt: beginAttempt(incident, { alerts: [alert], reason }, nowMs),
    reason,
    alerts: [alert],
    news: [episodeOf(alert)],
    current: new Map(),
    statuses: [],
    timeZone,
    nowMs,
  });
  return { ...notification, alerts: notification.alerts.map((one) => ({ ...one, title, summary })) };
}
