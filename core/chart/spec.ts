import { findMetric, type Unit } from '../catalogue.ts';
import { formatDuration } from '../config/duration.ts';
import { formatCondition, formatSpan, formatTime, formatValue } from '../format.ts';
import { labelKey } from '../labels.ts';
import { placeText } from '../message/summary.ts';
import type { Labels, Point, Rule, Series } from '../model.ts';
import type { NotificationAlert } from '../notify/model.ts';
import { type Axis, timeAxis, valueAxis } from './axes.ts';
import { type Band, type Bound, boundsOf, breachBands } from './bounds.ts';

export interface ChartLine {
  name: string;
  /** Newest value, formatted; empty without points. */
  value: string;
  breaching: boolean;
  /** Runs of points without a gap between them. */
  segments: readonly (readonly Point[])[];
}

/** Everything that is drawn, decided; a renderer measures and paints. */
export interface ChartSpec {
  status: 'firing' | 'resolved';
  title: string;
  subtitle: string;
  unit: Unit;
  x: Axis;
  y: Axis;
  bounds: readonly Bound[];
  bands: readonly Band[];
  /** The first alert's time above the bound before it fired, and while it fired. */
  pending?: { fromMs: number; toMs: number };
  firing?: { fromMs: number; toMs: number; label: string };
  /** Breaching ones first, so that a legend that is too short loses the others. */
  lines: readonly ChartLine[];
  /** Values jump rather than slope: states and counts of them. */
  stepped: boolean;
  alt: string;
}

/** Before the run began, so that the change is seen: three holds or thirty rounds, whichever is longer. */
const HOLDS_BEFORE = 3;
const ROUNDS_BEFORE = 30;
/** A line is not drawn over a longer hole than this many intervals. */
const LONGEST_BRIDGE = 2;
const MAX_LINES = 30;

export function chartRange(input: {
  rule: Rule;
  alerts: readonly NotificationAlert[];
  nowMs: number;
  intervalMs: number;
}): { fromMs: number; toMs: number } {
  const { rule, alerts, nowMs, intervalMs } = input;
  const sinceMs = Math.min(nowMs, ...alerts.map((alert) => alert.sinceMs));
  const before = Math.max(HOLDS_BEFORE * rule.forMs, ROUNDS_BEFORE * intervalMs, (nowMs - sinceMs) / 4);
  return { fromMs: Math.floor(sinceMs - before), toMs: nowMs };
}

export interface ChartInput {
  /** Alerts of one rule, the worst first. */
  alerts: readonly NotificationAlert[];
  rule: Rule;
  /** The rule's metric: the alerts' series and their neighbours'. */
  series: readonly Series[];
  fromMs: number;
  toMs: number;
  nowMs: number;
  timeZone: string;
  intervalMs: number;
  status: 'firing' | 'resolved';
}

export function buildChartSpec(asked: ChartInput): ChartSpec {
  const input = { ...asked, fromMs: firstMsOf(asked) };
  const { alerts, rule, fromMs, toMs, timeZone, status, intervalMs } = input;
  const unit = findMetric(rule.metric)?.unit ?? 'count';
  const breaching = new Set(alerts.map((alert) => labelKey(alert.labels)));
  const ordered = [...input.series].sort(
    (a, b) =>
      Number(breaching.has(labelKey(b.labels))) - Number(breaching.has(labelKey(a.labels))) || byPlace(a, b),
  );
  const lines = ordered.slice(0, MAX_LINES).map((series): ChartLine => {
    const last = series.points.at(-1);
    return {
      name: seriesName(series.labels),
      value: last ? formatValue(last.value, unit) : '',
      breaching: breaching.has(labelKey(series.labels)),
      segments: segmentsOf(series.points, intervalMs),
    };
  });
  const bounds = boundsOf(rule, unit);
  const values = ordered.slice(0, MAX_LINES).flatMap((series) => series.points.map((point) => point.value));
  const y = valueAxis(
    values,
    bounds.map((bound) => bound.value),
    unit,
  );
  const title = titleOf(input, unit, status);
  const subtitle = subtitleOf(input, ordered.length);
  return {
    status,
    title,
    subtitle,
    unit,
    x: timeAxis(fromMs, toMs, timeZone),
    y,
    bounds,
    bands: unit === 'bool' ? [] : breachBands(rule.condition, y),
    ...spansOf(input),
    lines,
    stepped: unit === 'bool',
    alt: `${title}; ${subtitle}`,
  };
}

/** The range begins with the data: a store that was started a minute ago has no empty hour to show. */
function firstMsOf({ series, alerts, fromMs, toMs }: ChartInput): number {
  const firsts = [...series.map((s) => s.points[0]?.timeMs), ...alerts.map((alert) => alert.sinceMs)];
  const firstMs = Math.min(...firsts.filter((ms) => ms !== undefined));
  return Number.isFinite(firstMs) && firstMs < toMs ? Math.max(fromMs, firstMs) : fromMs;
}

function spansOf(input: ChartInput): Pick<ChartSpec, 'pending' | 'firing'> {
  const { alerts, fromMs, toMs, timeZone, intervalMs } = input;
  const first = [...alerts].sort((a, b) => a.firedAtMs - b.firedAtMs)[0];
  if (!first) return {};
  const seconds = intervalMs < 60_000;
  const still = alerts.some((alert) => alert.status === 'firing');
  const overMs = still ? toMs : Math.max(...alerts.map((alert) => alert.resolvedAtMs ?? toMs));
  const at = formatTime(first.firedAtMs, timeZone, seconds);
  const label = still
    ? `FIRING since ${at}`
    : `fired ${at}, resolved ${formatTime(overMs, timeZone, seconds)}`;
  const clamp = (ms: number) => Math.min(toMs, Math.max(fromMs, ms));
  return {
    pending: { fromMs: clamp(first.sinceMs), toMs: clamp(first.firedAtMs) },
    firing: { fromMs: clamp(first.firedAtMs), toMs: clamp(overMs), label },
  };
}

function titleOf(input: ChartInput, unit: Unit, status: ChartSpec['status']): string {
  const { alerts, rule } = input;
  const [only] = alerts;
  const condition = `${formatCondition(rule.condition, unit)}${rule.forMs > 0 ? ` for ${formatDuration(rule.forMs)}` : ''}`;
  if (alerts.length !== 1 || !only) {
    const count = `${alerts.length} alerts`;
    return status === 'resolved'
      ? `${rule.title}: ${count} resolved`
      : `${rule.title} ${condition}: ${count}`;
  }
  if (status === 'resolved') {
    const spanMs = (only.resolvedAtMs ?? input.nowMs) - only.firedAtMs;
    const value = only.value === undefined || unit === 'bool' ? ':' : ` ${formatValue(only.value, unit)},`;
    return `${rule.title}${value} resolved after ${formatSpan(spanMs)}`;
  }
  if (only.reason === 'no-data' || only.value === undefined) return `${rule.title}: no data (${condition})`;
  // "no < 1" says nothing of a state; how long it has been so does.
  if (unit === 'bool') return `${rule.title} for ${formatSpan(input.nowMs - only.sinceMs)}`;
  return `${rule.title} ${formatValue(only.value, unit)} ${condition}`;
}

function subtitleOf(input: ChartInput, series: number): string {
  const { alerts, rule, fromMs, toMs, timeZone } = input;
  const [first] = alerts;
  const place = ['cluster', 'bastion'].flatMap((name) => {
    const value = first?.labels[name];
    return value === undefined ? [] : [`${name} ${value}`];
  });
  const count = `${series} series`;
  return [...place, rule.metric, count, `last ${formatSpan(toMs - fromMs)}`, timeZone].join(' · ');
}

/** Where it is within its cluster: the chart's subtitle names that. */
function seriesName(labels: Labels): string {
  const { cluster: _cluster, ...rest } = labels;
  return placeText(rest) || placeText(labels);
}

function byPlace(a: Series, b: Series): number {
  return seriesName(a.labels).localeCompare(seriesName(b.labels), 'en', { numeric: true });
}

function segmentsOf(points: readonly Point[], intervalMs: number): Point[][] {
  const segments: Point[][] = [];
  let last: Point | undefined;
  for (const point of points) {
    if (!Number.isFinite(point.value)) continue;
    const joined = last !== undefined && point.timeMs - last.timeMs <= LONGEST_BRIDGE * intervalMs;
    if (joined) segments.at(-1)?.push(point);
    else segments.push([point]);
    last = point;
  }
  return segments;
}
