import { findMetric } from '../catalogue.ts';
import { formatDuration } from '../config/duration.ts';
import { greatestOf, leastOf } from '../extremes.ts';
import { formatCondition, formatMoment, formatSpan } from '../format.ts';
import { type Standing, standingOf } from '../message/sentences.ts';
import { plainSummary, valueText } from '../message/summary.ts';
import { visibleLine } from '../message/visible-line.ts';
import type { Rule, Series } from '../model.ts';
import type { NotificationAlert } from '../notify/model.ts';
import { neighbourhoodsOf } from './selection.ts';
import type { ChartInput } from './spec.ts';

/** `Memory usage 94.1% > 90% for 10m`: what is wrong, or that it is over. Sentences are those of the text. */
export function titleOf({ alerts, rule, nowMs, timeZone }: ChartInput): string {
  const unit = findMetric(rule.metric)?.unit ?? 'count';
  const hold = rule.forMs > 0 ? ` for ${formatDuration(rule.forMs)}` : '';
  const condition = `${formatCondition(rule.condition, unit)}${hold}`;
  const [only] = alerts;
  if (alerts.length === 1 && only) {
    const time = { nowMs, timeZone };
    return standingOf(rule, only) === 'breaching' && unit !== 'bool'
      ? `${rule.title} ${valueText(rule.metric, only, time)} ${condition}`
      : plainSummary(rule, only, time);
  }
  const asked = unit === 'bool' || alerts.every((alert) => !hasBreached(rule, alert)) ? '' : ` ${condition}`;
  return `${rule.title}${asked}: ${countsText(rule, alerts)}`;
}

/** Whether its value is, or was, what the condition is about, while it fires. */
function hasBreached(rule: Rule, alert: NotificationAlert): boolean {
  return alert.status === 'firing' && standingOf(rule, alert) !== 'no-data';
}

/**
 * `3 alerts`, or how many fire, and of these are without data or recover, and how many have ended: `40 firing (1 without
 * data), 1 resolved`.
 */
function countsText(rule: Rule, alerts: readonly NotificationAlert[]): string {
  const ended = alerts.filter(({ status }) => status === 'resolved').length;
  if (ended === alerts.length) return `${ended} alerts resolved`;
  const standings = alerts.map((alert) => standingOf(rule, alert));
  const count = (...of: Standing[]) => standings.filter((standing) => of.includes(standing)).length;
  const kinds = [
    [count('no-data'), 'without data'],
    [count('recovering', 'data-back-recovering'), 'recovering'],
  ] as const;
  const firing = alerts.length - ended;
  const notes = kinds.flatMap(([n, word]) => (n > 0 && n < firing ? [`${n} ${word}`] : []));
  const every = kinds.flatMap(([n, word]) => (n === firing ? [` ${word}`] : [])).join('');
  const note = notes.length > 0 ? ` (${notes.join(', ')})` : every;
  return ended === 0 ? `${firing} alerts${note}` : `${firing} firing${note}, ${ended} resolved`;
}

/** Of more clusters than this the subtitle says the number alone. */
const MOST_NAMED = 3;

/** `cluster prod · mem_usage · 3 nodes · last 2h · Asia/Seoul`; of several clusters that these are breaching series. */
export function subtitleOf({ alerts, rule, series, fromMs, toMs, timeZone }: ChartInput): string {
  const { name, values } = neighbourhoodsOf(alerts);
  const rest = [rule.metric, `last ${formatSpan(toMs - fromMs)}`, timeZone];
  if (values.length > 1) {
    const named = values.length <= MOST_NAMED ? ` (${values.map(visibleLine).join(', ')})` : '';
    const all = alerts.every((alert) => hasBreached(rule, alert) && alert.clearedAtMs === undefined);
    const what = all ? 'breaching series' : 'series with an alert,';
    return [`${alerts.length} ${what} of ${values.length} ${name}s${named}`, ...rest].join(' · ');
  }
  rest.splice(1, 0, countOf(series));
  return [...values.map((value) => `${name} ${visibleLine(value)}`), ...rest].join(' · ');
}

/** Nodes, where each has one series; a node has one for each of its mounts, say. */
function countOf(series: readonly Series[]): string {
  const nodes = new Set(series.map(({ labels }) => JSON.stringify([labels.cluster, labels.node])));
  const counted = nodes.size === series.length && series.every(({ labels }) => labels.node !== undefined);
  if (!counted || series.length === 0) return `${series.length} series`;
  return series.length === 1 ? '1 node' : `${series.length} nodes`;
}

/**
 * `FIRED 09:20`, `3 FIRED 09:20 – 09:31`, `3 FIRED 09:20, 1 resolved 09:40`, `fired 09:20, resolved 09:40 after 30m`; with
 * the day where that is another than now. `since` and `after` are counted from the first sample that breached, here as in
 * texts.
 */
export function firingText({ alerts, nowMs, timeZone, intervalMs }: ChartInput): string {
  const at = (ms: number) => formatMoment(ms, nowMs, timeZone, intervalMs < 60_000);
  const span = (times: readonly number[]) => {
    const [first, last] = [at(leastOf(times)), at(greatestOf(times))];
    return first === last ? first : `${first} – ${last}`;
  };
  const count = alerts.length > 1 ? `${alerts.length} ` : '';
  const fired = span(alerts.map((alert) => alert.firedAtMs));
  const ended = alerts.filter((alert) => alert.status === 'resolved');
  const ends = ended.map((alert) => alert.resolvedAtMs ?? nowMs);
  if (ended.length < alerts.length) {
    const resolved = ended.length > 0 ? `, ${ended.length} resolved ${span(ends)}` : '';
    return `${count}FIRED ${fired}${resolved}`;
  }
  const [only] = alerts;
  const after = alerts.length === 1 && only ? ` after ${formatSpan(greatestOf(ends) - only.sinceMs)}` : '';
  return `${count}fired ${fired}, resolved ${at(greatestOf(ends))}${after}`;
}
