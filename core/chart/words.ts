import { findMetric } from '../catalogue.ts';
import { formatDuration } from '../config/duration.ts';
import { formatCondition, formatMoment, formatSpan } from '../format.ts';
import { endsByValue, heldMs, valueText } from '../message/summary.ts';
import { visibleLine } from '../message/visible-line.ts';
import type { Series } from '../model.ts';
import { neighbourhoodsOf } from './selection.ts';
import type { ChartInput } from './spec.ts';

/** `Memory usage 94.1% > 90% for 10m`: what is wrong, or that it is over. */
export function titleOf({ alerts, rule, nowMs, timeZone, status }: ChartInput): string {
  const unit = findMetric(rule.metric)?.unit ?? 'count';
  const hold = rule.forMs > 0 ? ` for ${formatDuration(rule.forMs)}` : '';
  const condition = `${formatCondition(rule.condition, unit)}${hold}`;
  const [only] = alerts;
  if (alerts.length !== 1 || !only) {
    const count = `${alerts.length} alerts`;
    return status === 'resolved'
      ? `${rule.title}: ${count} resolved`
      : `${rule.title}${unit === 'bool' ? '' : ` ${condition}`}: ${count}`;
  }
  // Words and spans are those of the text: see core/message/summary.ts.
  const value = valueText(rule.metric, only, { nowMs, timeZone });
  const held = formatSpan(heldMs(only, nowMs));
  if (status === 'resolved') {
    return endsByValue(only, unit)
      ? `${rule.title}: ended at ${value}, was ${formatCondition(rule.condition, unit)} for ${held}`
      : `${rule.title}: over after ${held}`;
  }
  if (only.reason === 'no-data' || only.value === undefined) return `${rule.title}: no data (${condition})`;
  // "no < 1" says nothing of a state; how long it has been so does.
  if (unit === 'bool') return `${rule.title} for ${held}`;
  return `${rule.title} ${value} ${condition}`;
}

/** Of more clusters than this the subtitle says the number alone. */
const MOST_NAMED = 3;

/** `cluster prod · mem_usage · 3 nodes · last 2h · Asia/Seoul`; of several clusters that these are breaching series. */
export function subtitleOf({ alerts, rule, series, fromMs, toMs, timeZone }: ChartInput): string {
  const { name, values } = neighbourhoodsOf(alerts);
  const rest = [rule.metric, `last ${formatSpan(toMs - fromMs)}`, timeZone];
  if (values.length > 1) {
    const named = values.length <= MOST_NAMED ? ` (${values.map(visibleLine).join(', ')})` : '';
    return [`${alerts.length} breaching series of ${values.length} ${name}s${named}`, ...rest].join(' · ');
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
 * `FIRED 09:20`, `3 FIRED 09:20 – 09:31`, `fired 09:20, resolved 09:40 after 30m`; with the day where that is another
 * than now. `since` and `after` are counted from the first sample that breached, here as in texts.
 */
export function firingText({ alerts, nowMs, timeZone, intervalMs }: ChartInput): string {
  const at = (ms: number) => formatMoment(ms, nowMs, timeZone, intervalMs < 60_000);
  const first = at(leastOf(alerts.map((alert) => alert.firedAtMs)));
  const last = at(-leastOf(alerts.map((alert) => -alert.firedAtMs)));
  const count = alerts.length > 1 ? `${alerts.length} ` : '';
  const fired = first === last ? first : `${first} – ${last}`;
  if (alerts.some((alert) => alert.status === 'firing')) return `${count}FIRED ${fired}`;
  const endMs = -leastOf(alerts.map((alert) => -(alert.resolvedAtMs ?? nowMs)));
  const [only] = alerts;
  const after = alerts.length === 1 && only ? ` after ${formatSpan(endMs - only.sinceMs)}` : '';
  return `${count}fired ${fired}, resolved ${at(endMs)}${after}`;
}

function leastOf(times: readonly number[]): number {
  return times.reduce((least, ms) => Math.min(least, ms), Infinity);
}
