import { formatDuration } from '../duration.ts';
import { formatMoment, formatSpan, isAhead, UNKNOWN_TIME } from '../format.ts';
import { aheadOf, conditionOf, measureOf } from '../measure.ts';
import type { NotificationAlert } from '../model/notification.ts';
import type { Rule } from '../model/rule.ts';
import type { Series } from '../model/sample.ts';
import { type AlertPhase, phaseOf } from '../notify/sentences.ts';
import { plainSummary, valueText } from '../notify/summary.ts';
import { afterText } from '../notify/text.ts';
import { greatestOf, leastOf } from '../numbers/extremes.ts';
import { visibleLine } from '../text/visible-line.ts';
import type { ChartInput } from './input.ts';
import { neighbourhoodsOf } from './selection.ts';

/** `Memory usage 94.1% > 90% for 10m`: what is wrong, or that it is over. Sentences are those of the text. */
export function titleOf({ alerts, rule, nowMs, timeZone }: ChartInput): string {
  const measure = measureOf(rule);
  const hold = rule.forMs > 0 ? ` for ${formatDuration(rule.forMs)}` : '';
  const condition = `${conditionOf(rule)}${hold}`;
  const isState = measure.unit === 'bool';
  const [only] = alerts;
  if (alerts.length === 1 && only) {
    const time = { nowMs, timeZone };
    if (phaseOf(rule, only) !== 'breaching' || isState) return plainSummary(rule, only, time);
    const value = valueText(measure, only, time);
    if (aheadOf(rule) === undefined) return `${rule.title} ${value} ${condition}`;
    return `${rule.title}: forecast to be ${value}, ${condition}`;
  }
  const conditionText = aheadOf(rule) === undefined ? ` ${condition}` : `, forecast ${condition}`;
  const suffix = isState || alerts.every((alert) => !hasBreached(rule, alert)) ? '' : conditionText;
  return `${rule.title}${suffix}: ${countsText(rule, alerts)}`;
}

/** Whether its value is, or was, what the condition is about, while it fires. */
function hasBreached(rule: Rule, alert: NotificationAlert): boolean {
  return alert.status === 'firing' && phaseOf(rule, alert) !== 'no-data';
}

/**
 * `3 alerts`, or how many fire, and of these are without data or recover, and how many have ended: `40 firing (1 without
 * data), 1 resolved`.
 */
function countsText(rule: Rule, alerts: readonly NotificationAlert[]): string {
  const ended = alerts.filter(({ status }) => status === 'resolved').length;
  if (ended === alerts.length) return `${ended} alerts resolved`;
  const phases = alerts.map((alert) => phaseOf(rule, alert));
  const count = (...of: AlertPhase[]) => phases.filter((phase) => of.includes(phase)).length;
  const kinds = [
    [count('no-data'), 'without data'],
    [count('recovering', 'data-back-recovering'), 'recovering'],
  ] as const;
  const firing = alerts.length - ended;
  const notes = kinds.flatMap(([n, label]) => (n > 0 && n < firing ? [`${n} ${label}`] : []));
  const every = kinds.flatMap(([n, label]) => (n === firing ? [` ${label}`] : [])).join('');
  const note = notes.length > 0 ? ` (${notes.join(', ')})` : every;
  return ended === 0 ? `${firing} alerts${note}` : `${firing} firing${note}, ${ended} resolved`;
}

/** The subtitle names so many clusters at most, and counts more. */
const MOST_NAMED = 3;

/** `cluster prod · mem_usage · 3 nodes · last 2h · Asia/Seoul`; of several clusters that these are breaching series. */
export function subtitleOf({ alerts, rule, series, fromMs, toMs, timeZone }: ChartInput): string {
  const { name, values } = neighbourhoodsOf(alerts);
  const rest = [drawnText(rule), `last ${formatSpan(toMs - fromMs)}`, timeZone];
  if (values.length > 1) {
    const named = values.length <= MOST_NAMED ? ` (${values.map(visibleLine).join(', ')})` : '';
    const all = alerts.every((alert) => hasBreached(rule, alert) && alert.clearedAtMs === undefined);
    const what = all ? 'breaching series' : 'series with an alert,';
    return [`${alerts.length} ${what} of ${values.length} ${name}s${named}`, ...rest].join(' · ');
  }
  rest.splice(1, 0, countOf(series));
  return [...values.map((value) => `${name} ${visibleLine(value)}`), ...rest].join(' · ');
}

/** What the lines are: `mem_usage`, or `forecast of disk_usage in 24h from its last 6h`. */
function drawnText(rule: Rule): string {
  const { name } = measureOf(rule);
  const [ahead, { window }] = [aheadOf(rule), rule];
  if (ahead === undefined || !window) return name;
  return `forecast of ${name} in ${ahead} from its last ${formatDuration(window.lastMs)}`;
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
  const at = (ms: number) =>
    isAhead(ms, nowMs) ? `at ${UNKNOWN_TIME}` : formatMoment(ms, nowMs, timeZone, intervalMs < 60_000);
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
  const after = alerts.length === 1 && only ? afterText(only.sinceMs, greatestOf(ends), nowMs) : '';
  return `${count}fired ${fired}, resolved ${at(greatestOf(ends))}${after}`;
}
