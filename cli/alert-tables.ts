import { findMetric } from '../core/catalogue.ts';
import { formatDuration } from '../core/config/duration.ts';
import type { Config } from '../core/config/types.ts';
import { formatMetricValue, formatMoment, formatSpan } from '../core/format.ts';
import type { AlertReport } from './alert-report.ts';
import { endText, SHORT_ID } from './silence-table.ts';
import { labelText, renderTable } from './table.ts';

/** A message takes a moment: what is owed for less is being sent. */
const BEING_SENT_MS = 60_000;

export function alertTable(
  alerts: readonly AlertReport[],
  {
    config,
    values,
    nowMs,
  }: { config: Config; values: ReadonlyMap<string, { value: number }>; nowMs: number },
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
      newest ? formatMetricValue(newest.value, findMetric(rule?.metric ?? '')) : '–',
      formatDuration(Math.max(0, Math.floor((nowMs - alert.sinceMs) / 1000) * 1000)),
      messagesText(alert, config, nowMs),
      alert.id,
    ];
  });
  return renderTable(['STATE', 'SEVERITY', 'RULE', 'WHERE', 'VALUE', 'FOR', 'MESSAGES', 'ID'], rows, [4]);
}

/** What withholds messages, what was sent, and what should have been. */
function messagesText(alert: AlertReport, config: Config, nowMs: number): string {
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
  ];
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
    const said = error === undefined ? '' : `: ${error}`;
    return `${channel}, ${tries} ${tries === 1 ? 'try' : 'tries'}${said}`;
  });
  return `NOT SENT for ${formatSpan(forMs)}${why.length > 0 ? ` (${why.join('; ')})` : ''}`;
}

export function pastTable(alerts: readonly AlertReport[], config: Config, nowMs: number): string {
  if (alerts.length === 0) return 'nothing fired\n';
  const at = (ms: number) => formatMoment(ms, nowMs, config.schedule.timeZone);
  const rows = alerts.map(({ rule, labels, firedAtMs = nowMs, resolvedAtMs, sent }) => [
    at(firedAtMs),
    resolvedAtMs === undefined ? 'fires' : at(resolvedAtMs),
    formatSpan((resolvedAtMs ?? nowMs) - firedAtMs),
    config.rules.find(({ name }) => name === rule)?.severity ?? '',
    rule,
    labelText(labels),
    sent.map(({ channel, status, atMs = 0 }) => `${channel} ${at(atMs)} ${status}`).join(', ') || 'nobody',
  ]);
  return renderTable(['FIRED', 'RESOLVED', 'FOR', 'SEVERITY', 'RULE', 'WHERE', 'SENT'], rows);
}
