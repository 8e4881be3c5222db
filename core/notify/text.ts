import { formatDateTime, formatElapsed, formatPast, isAhead, UNKNOWN_TIME } from '../format.ts';
import type { Notification, NotificationAlert } from '../model/notification.ts';
import type { NotifyReason } from '../model/notify-reason.ts';
import type { TransitionReason } from '../model/transition.ts';
import { cutText, visibleLine } from '../text/visible-line.ts';
import { firedReasonOf } from './sentences.ts';
import { labelsText } from './summary.ts';

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
 * before what stands. Title and place are those of what fires, of what just fired if anything did: the one alert that
 * ended stands in parentheses. Too long, it loses places, then letters.
 */
export function headline(notification: Notification, limit = Infinity): string {
  const { alerts, severity, status } = notification;
  const current = alerts.filter((alert) => alert.status === status);
  const news = current.filter((alert) => alert.news);
  const shown = news.length > 0 ? news : current;
  const titles = [...new Set(shown.map((alert) => alert.title))];
  const title = titles.length <= 2 ? titles.join(', ') : `${titles[0]} and ${titles.length - 1} more`;
  const only = shown.length === 1 ? shown[0] : undefined;
  const { rule: _rule, severity: _severity, ...group } = notification.groupLabels;
  const subject = labelsText(only ? only.labels : group);
  const start = (withLabels: boolean) => {
    const counts = countsText(notification, withLabels);
    return `${statusLabel(notification)} ${severity} · ${counts ? `${counts} · ` : ''}${title}`;
  };
  const whole = visibleLine(subject ? `${start(true)}: ${subject}` : start(true));
  return whole.length <= limit ? whole : cutText(visibleLine(start(false)), limit);
}

function statusLabel({ alerts, status }: Notification): string {
  if (status === 'resolved') return alerts.every(({ untold }) => untold) ? 'FIRED AND RESOLVED' : 'RESOLVED';
  return alerts.some((alert) => alert.status === 'firing' && alert.news) ? 'FIRING' : 'STILL FIRING';
}

/** `1 new, 39 firing`: of several alerts what changed, and what stands as it was; `1 resolved (prod / prod-1), 39 firing`. */
function countsText({ alerts, status }: Notification, withLabels: boolean): string {
  if (alerts.length === 1) return '';
  const firing = alerts.filter((alert) => alert.status === 'firing');
  const fired = firing.filter((alert) => alert.news);
  const ended = alerts.filter((alert) => alert.status === 'resolved');
  const unsent = ended.filter((alert) => alert.untold);
  const same = fired.length + ended.length === 0 || ended.length === alerts.length;
  if (same && (unsent.length === 0 || unsent.length === ended.length)) return `${alerts.length} alerts`;
  const only = withLabels && status === 'firing' && ended.length === 1 ? ended[0] : undefined;
  const where = only ? labelsText(only.labels) : '';
  const what = only && firing.every(({ title }) => title !== only.title) ? only.title : '';
  const named = [what, where].filter((text) => text !== '').join(': ');
  const endName = named ? ` (${named})` : '';
  const parts = [
    [fired.length, 'new'],
    [ended.length - unsent.length, `resolved${endName}`],
    [unsent.length, `fired and resolved${endName}`],
    [firing.length - fired.length, 'firing'],
  ] as const;
  return parts.flatMap(([n, label]) => (n > 0 ? [`${n} ${label}`] : [])).join(', ');
}

/** `2026-11-24 18:10:02 Asia/Seoul · reminder`: when and why it is sent. Stands under the headline everywhere. */
export function occasionText({ atMs, timeZone, reason }: Notification): string {
  return `${formatDateTime(atMs, timeZone)} ${timeZone} · ${OCCASIONS[reason]}`;
}

/** Why it fired, and why it ended, where that was no sample beyond the threshold, or within. */
const FIRED_SUFFIXES: Readonly<Record<TransitionReason, string>> = {
  threshold: '',
  'no-data': ' as data were missing',
  revised: ' by samples that came late',
  'rule-changed': ' when its rule changed',
  removed: '',
  unselected: '',
  'check-removed': '',
  stale: '',
};
const ENDED_SUFFIXES: Readonly<Record<TransitionReason, string>> = {
  threshold: '',
  'no-data': ' as its data ended: its state is unknown',
  revised: ' by samples that came late',
  'rule-changed': ' when its rule changed',
  removed: ' when its node or rule was removed',
  unselected: ' when its labels changed: the rule is no longer for it',
  'check-removed': ' when its check was removed: its state is unknown',
  stale: ' as its series is gone: its state is unknown',
};

/**
 * What became of one alert and when, in the notification's time zone: `since 09:00:00, fired 09:10:00`. `since` is the
 * first sample that breached; what follows `after` is counted from there, in pictures too. Times that have not come yet are
 * not said: the clock was set back.
 */
export function historyText(
  alert: NotificationAlert,
  { atMs, timeZone }: Pick<Notification, 'atMs' | 'timeZone'>,
): string {
  const at = (ms: number) => formatPast(ms, atMs, timeZone, true);
  const when = (ms: number) => (isAhead(ms, atMs) ? `at ${UNKNOWN_TIME}` : at(ms));
  const { sinceMs, clearedAtMs, resolvedAtMs, noDataSinceMs } = alert;
  const firedFor = firedReasonOf(alert) ?? 'threshold';
  const parts = [`since ${at(sinceMs)}`, `fired ${when(alert.firedAtMs)}${FIRED_SUFFIXES[firedFor]}`];
  if (alert.status === 'firing') {
    if (noDataSinceMs !== undefined && noDataSinceMs !== sinceMs)
      parts.push(`no data since ${at(noDataSinceMs)}`);
    if (clearedAtMs !== undefined) parts.push(`recovering since ${at(clearedAtMs)}`);
  } else if (resolvedAtMs !== undefined) {
    const after = afterText(sinceMs, resolvedAtMs, atMs);
    const cleared =
      clearedAtMs !== undefined && clearedAtMs !== resolvedAtMs ? ` (cleared ${at(clearedAtMs)})` : '';
    parts.push(`resolved ${when(resolvedAtMs)}${after}${cleared}${ENDED_SUFFIXES[alert.reason]}`);
    if (alert.untold) parts.push('not sent while it fired');
  }
  const isSetBack = [sinceMs, alert.firedAtMs, clearedAtMs, resolvedAtMs, noDataSinceMs].some(
    (ms) => ms !== undefined && isAhead(ms, atMs),
  );
  return `${parts.join(', ')}${isSetBack ? ' (the clock was set back)' : ''}`;
}

/** ` after 12m`; nothing where that is not known. */
export function afterText(fromMs: number, toMs: number, nowMs: number): string {
  const elapsed = formatElapsed(fromMs, toMs, nowMs);
  return elapsed === UNKNOWN_TIME ? '' : ` after ${elapsed}`;
}

/** `prod / prod-1 · since …`, with the severity where that is another than the headline's. */
export function detailText(alert: NotificationAlert, notification: Notification): string {
  const subject = labelsText(alert.labels);
  const history = historyText(alert, notification);
  const severity = alert.severity === notification.severity ? [] : [alert.severity];
  return [...(subject ? [subject] : []), ...severity, history].join(' · ');
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
 * The whole notification as plain text. It lists at most `maxAlerts` alerts and counts the rest; it never cuts a text.
 */
export function plainText(notification: Notification, maxAlerts = 10): string {
  const { alerts, links } = notification;
  const lines = [headline(notification), occasionText(notification)];
  for (const alert of alerts.slice(0, maxAlerts)) {
    lines.push(alertLine(alert), `  ${detailText(alert, notification)}`);
    if (alert.detail !== undefined) lines.push(`  ${alert.detail}`);
  }
  if (alerts.length > maxAlerts) lines.push(`and ${alerts.length - maxAlerts} more`);
  for (const runbook of runbooksOf(notification)) lines.push(`runbook: ${runbook}`);
  if (links.history !== undefined) lines.push(`history: ${links.history}`);
  if (links.silence !== undefined) lines.push(`silence: ${links.silence}`);
  return lines.join('\n');
}
