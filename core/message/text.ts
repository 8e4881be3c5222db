import { formatDateTime, formatMoment } from '../format.ts';
import type { Notification, NotificationAlert } from '../notify/model.ts';
import { placeText } from './summary.ts';

/** `FIRING (2) Memory usage: prod` or `RESOLVED Memory usage: prod / prod-1`: what a reader needs in a list. */
export function headline(notification: Notification): string {
  const { alerts, status } = notification;
  const shown = alerts.filter((alert) => alert.status === status);
  const titles = [...new Set(shown.map((alert) => alert.title))];
  const title = titles.length <= 2 ? titles.join(', ') : `${titles[0]} and ${titles.length - 1} more`;
  const only = shown.length === 1 ? shown[0] : undefined;
  const { rule: _rule, severity: _severity, ...group } = notification.groupLabels;
  const place = placeText(only ? only.labels : group);
  const count = shown.length > 1 ? ` (${shown.length})` : '';
  return `${status.toUpperCase()}${count} ${title}${place ? `: ${place}` : ''}`;
}

/** What became of one alert and when, in the notification's time zone: `since 09:00:00, fired 09:10:00`. */
export function historyText(
  alert: NotificationAlert,
  { atMs, timeZone }: Pick<Notification, 'atMs' | 'timeZone'>,
): string {
  const at = (ms: number) => formatMoment(ms, atMs, timeZone, true);
  const { clearedAtMs, resolvedAtMs } = alert;
  const parts = [`since ${at(alert.sinceMs)}`, `fired ${at(alert.firedAtMs)}`];
  if (alert.status === 'firing') return parts.join(', ');
  if (resolvedAtMs !== undefined) {
    const cleared = clearedAtMs !== undefined && clearedAtMs !== resolvedAtMs;
    parts.push(`resolved ${at(resolvedAtMs)}${cleared ? ` (cleared ${at(clearedAtMs)})` : ''}`);
  }
  return `${parts.join(', ')}${alert.reason === 'threshold' ? '' : ` [${alert.reason}]`}`;
}

/**
 * The whole notification as plain text. At most `maxAlerts` alerts are told; the rest is a number, never cut text.
 */
export function plainText(notification: Notification, maxAlerts = 10): string {
  const { alerts, timeZone, links } = notification;
  const lines = [headline(notification)];
  for (const alert of alerts.slice(0, maxAlerts)) {
    const mark = alert.status === 'firing' ? '✖' : '✔';
    lines.push(
      `${mark} ${alert.summary}`,
      `  ${placeText(alert.labels)} · ${historyText(alert, notification)}`,
    );
    if (alert.detail !== undefined) lines.push(`  ${alert.detail}`);
  }
  if (alerts.length > maxAlerts) lines.push(`and ${alerts.length - maxAlerts} more`);
  const runbooks = [...new Set(alerts.flatMap((alert) => alert.runbook ?? []))];
  for (const runbook of runbooks.slice(0, 3)) lines.push(`runbook: ${runbook}`);
  if (links.history !== undefined) lines.push(`history: ${links.history}`);
  if (links.silence !== undefined) lines.push(`silence: ${links.silence}`);
  lines.push(`${formatDateTime(notification.atMs, timeZone)} ${timeZone}`);
  return lines.join('\n');
}
