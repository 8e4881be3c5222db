import { formatDateTime, formatMoment, formatSpan } from '../format.ts';
import type { Notification, NotificationAlert, NotifyReason } from '../notify/model.ts';
import { placeText } from './summary.ts';
import { cutText, visibleLine } from './visible-line.ts';

/** Why a message is sent now, in words. */
const OCCASIONS: Readonly<Record<NotifyReason, string>> = {
  first: 'first message',
  'new-alerts': 'new alerts',
  'some-resolved': 'some resolved',
  'all-resolved': 'all resolved',
  'fired-and-resolved': 'fired and resolved before it could be sent',
  repeat: 'reminder',
  fallback: 'sent here because another channel did not accept it',
  'silence-ended': 'sent now because a silence ended',
};
const RUNBOOKS = 3;

/**
 * `FIRING critical · 1 new, 39 firing · Memory usage: prod / prod-1`: what a reader needs in a list. What changed comes
 * before what stands, and the title and place are those of what changed. Too long, it loses the place, then letters.
 */
export function headline(notification: Notification, limit = Infinity): string {
  const { alerts, severity, status } = notification;
  const news = alerts.filter((alert) => alert.news);
  const shown = news.length > 0 ? news : alerts.filter((alert) => alert.status === status);
  const titles = [...new Set(shown.map((alert) => alert.title))];
  const title = titles.length <= 2 ? titles.join(', ') : `${titles[0]} and ${titles.length - 1} more`;
  const only = shown.length === 1 ? shown[0] : undefined;
  const { rule: _rule, severity: _severity, ...group } = notification.groupLabels;
  const place = placeText(only ? only.labels : group);
  const counts = countsText(notification);
  const start = `${statusWord(notification)} ${severity} · ${counts ? `${counts} · ` : ''}${title}`;
  const whole = visibleLine(place ? `${start}: ${place}` : start);
  return whole.length <= limit ? whole : cutText(visibleLine(start), limit);
}

function statusWord({ alerts, status, reason }: Notification): string {
  if (status === 'resolved') return reason === 'fired-and-resolved' ? 'FIRED AND RESOLVED' : 'RESOLVED';
  return alerts.some((alert) => alert.news) ? 'FIRING' : 'STILL FIRING';
}

/** `1 new, 39 firing`: of several alerts what changed, and what stands as it was. */
function countsText({ alerts, status }: Notification): string {
  if (alerts.length === 1) return '';
  const count = (of: NotificationAlert['status'], news: boolean) =>
    alerts.filter((alert) => alert.status === of && alert.news === news).length;
  const [fired, ended, standing] = [count('firing', true), count('resolved', true), count('firing', false)];
  if (status === 'resolved' || fired + ended === 0) return `${alerts.length} alerts`;
  const parts = [
    [fired, 'new'],
    [ended, 'resolved'],
    [standing, 'firing'],
  ] as const;
  return parts.flatMap(([n, word]) => (n > 0 ? [`${n} ${word}`] : [])).join(', ');
}

/** `2026-11-24 18:10:02 Asia/Seoul · reminder`: when and why it is sent. Stands under the headline everywhere. */
export function occasionText({ atMs, timeZone, reason }: Notification): string {
  return `${formatDateTime(atMs, timeZone)} ${timeZone} · ${OCCASIONS[reason]}`;
}

/**
 * What became of one alert and when, in the notification's time zone: `since 09:00:00, fired 09:10:00`. `since` is the
 * first sample that breached; what follows `after` is counted from there, in pictures too.
 */
export function historyText(
  alert: NotificationAlert,
  { atMs, timeZone }: Pick<Notification, 'atMs' | 'timeZone'>,
): string {
  const at = (ms: number) => formatMoment(ms, atMs, timeZone, true);
  const { sinceMs, clearedAtMs, resolvedAtMs } = alert;
  const parts = [`since ${at(sinceMs)}`, `fired ${at(alert.firedAtMs)}`];
  if (alert.status === 'resolved' && resolvedAtMs !== undefined) {
    const cleared = clearedAtMs !== undefined && clearedAtMs !== resolvedAtMs;
    parts.push(
      `resolved ${at(resolvedAtMs)} after ${formatSpan(resolvedAtMs - sinceMs)}${cleared ? ` (cleared ${at(clearedAtMs)})` : ''}`,
    );
  }
  return `${parts.join(', ')}${alert.reason === 'threshold' ? '' : ` [${alert.reason}]`}`;
}

/** `prod / prod-1 · since …`, with the severity where that is another than the headline's. */
export function standingText(alert: NotificationAlert, notification: Notification): string {
  const place = placeText(alert.labels);
  const history = historyText(alert, notification);
  const severity = alert.severity === notification.severity ? [] : [alert.severity];
  return [...(place ? [place] : []), ...severity, history].join(' · ');
}

/** `✖ node-1 has used 94.1% …`: the alert in a line. */
export function alertLine(alert: NotificationAlert): string {
  return `${alert.status === 'firing' ? '✖' : '✔'} ${alert.summary}`;
}

/** Addresses of what to do, each once, those of the first alerts. */
export function runbooksOf({ alerts }: Pick<Notification, 'alerts'>): string[] {
  return [...new Set(alerts.flatMap((alert) => alert.runbook ?? []))].slice(0, RUNBOOKS);
}

/** A line about an alert is not shorter: of more alerts than limit / this, not all fit. */
export const SHORTEST_LINE = 4;

/** The greatest number up to `most` that fits, 0 if none does. What fits with more fits with fewer. */
export function greatestThatFits(most: number, fits: (count: number) => boolean): number {
  let [fitting, beyond] = [0, most + 1];
  while (beyond - fitting > 1) {
    const middle = Math.floor((fitting + beyond) / 2);
    if (fits(middle)) fitting = middle;
    else beyond = middle;
  }
  return fitting;
}

/**
 * The whole notification as plain text. At most `maxAlerts` alerts are told; the rest is a number, never cut text.
 */
export function plainText(notification: Notification, maxAlerts = 10): string {
  const { alerts, links } = notification;
  const lines = [headline(notification), occasionText(notification)];
  for (const alert of alerts.slice(0, maxAlerts)) {
    lines.push(alertLine(alert), `  ${standingText(alert, notification)}`);
    if (alert.detail !== undefined) lines.push(`  ${alert.detail}`);
  }
  if (alerts.length > maxAlerts) lines.push(`and ${alerts.length - maxAlerts} more`);
  for (const runbook of runbooksOf(notification)) lines.push(`runbook: ${runbook}`);
  if (links.history !== undefined) lines.push(`history: ${links.history}`);
  if (links.silence !== undefined) lines.push(`silence: ${links.silence}`);
  return lines.join('\n');
}
