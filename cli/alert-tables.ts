import { currentForMs } from '../core/current.ts';
import { formatDuration } from '../core/duration.ts';
import {
  formatElapsed,
  formatMetricValue,
  formatMoment,
  formatPast,
  formatSpan,
  isAhead,
  UNKNOWN_TIME,
} from '../core/format.ts';
import { createIntervals, ruleIntervals } from '../core/intervals.ts';
import { measureOf } from '../core/measure.ts';
import type { NoRecipientReason } from '../core/notify/recipients.ts';
import { greatestOf } from '../core/numbers/extremes.ts';
import type { AlertReport } from '../core/stages/alert-report.ts';
import type { ShownConfig } from './remote.ts';
import { endText, SHORT_ID } from './silence-table.ts';
import { labelText, renderTable } from './table.ts';

/** An alert that has been undelivered for less time is shown as being sent. */
const BEING_SENT_MS = 60_000;

export function alertTable(
  alerts: readonly AlertReport[],
  {
    config,
    values,
    nowMs,
  }: {
    config: ShownConfig;
    values: ReadonlyMap<string, { value: number; valueAtMs: number }>;
    nowMs: number;
  },
): string {
  if (alerts.length === 0) return 'nothing is pending or firing\n';
  const rows = alerts.map((alert) => {
    const rule = config.rules.find((candidate) => candidate.name === alert.rule);
    const newest = values.get(alert.id);
    return [
      alert.noDataSinceMs === undefined ? alert.status : `${alert.status}, no data`,
      rule?.severity ?? '',
      alert.rule,
      labelText(alert.labels),
      newest ? formatMetricValue(newest.value, rule && measureOf(rule)) : '–',
      newest ? formatElapsed(newest.valueAtMs, nowMs, nowMs) : '–',
      heldText(alert.sinceMs, nowMs),
      messagesText(alert, config, nowMs),
      alert.id,
    ];
  });
  const head = ['STATE', 'SEVERITY', 'RULE', 'WHERE', 'VALUE', 'AGE', 'FOR', 'MESSAGES', 'ID'];
  return renderTable(head, rows, [4, 5], { wrap: 3 }) + staleText(alerts, { config, values, nowMs });
}

/** A note when no value is current because no rule is evaluated any more. Without any value nobody can know that. */
function staleText(
  alerts: readonly AlertReport[],
  { config, values, nowMs }: Parameters<typeof alertTable>[1],
): string {
  const intervals = createIntervals(config.checks);
  const timed = alerts.flatMap(({ id, rule: name, labels, noDataSinceMs }) => {
    const atMs = noDataSinceMs === undefined ? values.get(id)?.valueAtMs : undefined;
    const rule = config.rules.find((candidate) => candidate.name === name);
    if (atMs === undefined || !rule) return [];
    return [{ atMs, currentMs: currentForMs(ruleIntervals(intervals, rule, [{ labels }]).intervalMs) }];
  });
  if (timed.length === 0 || timed.some(({ atMs, currentMs }) => nowMs - atMs <= currentMs)) return '';
  const newestMs = greatestOf(timed.map(({ atMs }) => atMs));
  return `\nno value is newer than ${formatSpan(nowMs - newestMs)}: is bartizan running? The list shows the alerts of that time\n`;
}

/** Whole seconds; or a note that the breach is in the future, after the clock was set back. */
function heldText(sinceMs: number, nowMs: number): string {
  if (isAhead(sinceMs, nowMs)) return UNKNOWN_TIME;
  return formatDuration(Math.max(0, Math.floor((nowMs - sinceMs) / 1000) * 1000));
}

/** What nobody is to receive: that a pending alert has no message yet goes without saying. */
const NO_RECIPIENT_TEXTS: Readonly<Record<NoRecipientReason, string>> = {
  pending: '',
  'no-route': 'NOBODY: no route matches it',
  'no-channel': 'nobody, as its route has no channel',
  'rule-gone': 'nobody: its rule is not configured any more',
};

/** The sent messages, the silences and rules that withhold others, and the undelivered messages. */
function messagesText(alert: AlertReport, config: ShownConfig, nowMs: number): string {
  const at = (ms: number) => formatMoment(ms, nowMs, config.schedule.timeZone);
  const sent = alert.sent.filter(({ status }) => status === 'firing');
  const [silence] = alert.silencedBy;
  const parts = [
    ...(sent.length > 0
      ? [
          `sent to ${sent.map(({ channel, atMs }) => (atMs === undefined ? channel : `${channel} ${at(atMs)}`)).join(', ')}`,
        ]
      : []),
    ...(silence
      ? [`silenced until ${endText(silence, config, nowMs)} (${silence.id.slice(0, SHORT_ID)})`]
      : []),
    ...(alert.inhibitedBy.length > 0 ? [`inhibited by ${alert.inhibitedBy.join(', ')}`] : []),
    ...(alert.undelivered ? [undeliveredText(alert.undelivered, nowMs)] : []),
    ...(alert.nobody ? [NO_RECIPIENT_TEXTS[alert.nobody.reason]] : []),
  ].filter((part) => part !== '');
  return parts.join('; ');
}

function undeliveredText(
  { sinceMs, channels }: NonNullable<AlertReport['undelivered']>,
  nowMs: number,
): string {
  const tried = channels.filter(({ tries }) => tries > 0);
  const forMs = nowMs - sinceMs;
  if (tried.length === 0 && forMs < BEING_SENT_MS) return 'being sent';
  const why = tried.map(({ channel, tries, error }) => {
    const detail = error === undefined ? '' : `: ${error}`;
    return `${channel}, ${tries} ${tries === 1 ? 'try' : 'tries'}${detail}`;
  });
  return `NOT SENT for ${formatElapsed(sinceMs, nowMs, nowMs)}${why.length > 0 ? ` (${why.join('; ')})` : ''}`;
}

export function pastTable(alerts: readonly AlertReport[], config: ShownConfig, nowMs: number): string {
  if (alerts.length === 0) return 'nothing fired\n';
  const at = (ms: number) => formatPast(ms, nowMs, config.schedule.timeZone);
  const rows = alerts.map(({ rule, labels, firedAtMs = nowMs, resolvedAtMs, sent }) => [
    at(firedAtMs),
    resolvedAtMs === undefined ? 'fires' : at(resolvedAtMs),
    formatElapsed(firedAtMs, resolvedAtMs ?? nowMs, nowMs),
    config.rules.find(({ name }) => name === rule)?.severity ?? '',
    rule,
    labelText(labels),
    sent.map(({ channel, status, atMs = 0 }) => `${channel} ${at(atMs)} ${status}`).join(', ') || 'nobody',
  ]);
  return renderTable(['FIRED', 'RESOLVED', 'FOR', 'SEVERITY', 'RULE', 'WHERE', 'SENT'], rows);
}
