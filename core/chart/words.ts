import { findMetric } from '../catalogue.ts';
import { formatDuration } from '../config/duration.ts';
import { formatCondition, formatMoment, formatSpan, formatValue } from '../format.ts';
import type { Series } from '../model.ts';
import type { ChartInput } from './spec.ts';

/** `Memory usage 94.1% > 90% for 10m`: what is wrong, or that it is over. */
export function titleOf({ alerts, rule, nowMs, status }: ChartInput): string {
  const unit = findMetric(rule.metric)?.unit ?? 'count';
  const hold = rule.forMs > 0 ? ` for ${formatDuration(rule.forMs)}` : '';
  const condition = `${formatCondition(rule.condition, unit)}${hold}`;
  const [only] = alerts;
  if (alerts.length !== 1 || !only) {
    const count = `${alerts.length} alerts`;
    return status === 'resolved'
      ? `${rule.title}: ${count} resolved`
      : `${rule.title} ${condition}: ${count}`;
  }
  if (status === 'resolved') {
    const spanMs = (only.resolvedAtMs ?? nowMs) - only.firedAtMs;
    const value = only.value === undefined || unit === 'bool' ? ':' : ` ${formatValue(only.value, unit)},`;
    return `${rule.title}${value} resolved after ${formatSpan(spanMs)}`;
  }
  if (only.reason === 'no-data' || only.value === undefined) return `${rule.title}: no data (${condition})`;
  // "no < 1" says nothing of a state; how long it has been so does.
  if (unit === 'bool') return `${rule.title} for ${formatSpan(nowMs - only.sinceMs)}`;
  return `${rule.title} ${formatValue(only.value, unit)} ${condition}`;
}

/** `cluster prod · mem_usage · 3 nodes · last 2h · Asia/Seoul`. */
export function subtitleOf({ alerts, rule, series, fromMs, toMs, timeZone }: ChartInput): string {
  const place = ['cluster', 'bastion'].flatMap((name) => {
    const value = alerts[0]?.labels[name];
    return value === undefined ? [] : [`${name} ${value}`];
  });
  return [...place, rule.metric, countOf(series), `last ${formatSpan(toMs - fromMs)}`, timeZone].join(' · ');
}

/** Nodes, where each has one series; a node has one for each of its mounts, say. */
function countOf(series: readonly Series[]): string {
  const nodes = new Set(series.map(({ labels }) => JSON.stringify([labels.cluster, labels.node])));
  const counted = nodes.size === series.length && series.every(({ labels }) => labels.node !== undefined);
  if (!counted || series.length === 0) return `${series.length} series`;
  return series.length === 1 ? '1 node' : `${series.length} nodes`;
}

/** `FIRING since 09:10`, `fired 09:10, resolved 09:40`; with the day where that is another than now. */
export function firingText({ alerts, nowMs, timeZone, intervalMs }: ChartInput): string {
  const at = (ms: number) => formatMoment(ms, nowMs, timeZone, intervalMs < 60_000);
  const fired = at(Math.min(...alerts.map((alert) => alert.firedAtMs)));
  if (alerts.some((alert) => alert.status === 'firing')) return `FIRING since ${fired}`;
  return `fired ${fired}, resolved ${at(Math.max(...alerts.map((alert) => alert.resolvedAtMs ?? nowMs)))}`;
}
