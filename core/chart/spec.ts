import { measureOf } from '../measure.ts';
import type { ChartTheme } from '../model/chart-theme.ts';
import type { NotificationAlert } from '../model/notification.ts';
import type { Rule } from '../model/rule.ts';
import { greatestOf, leastOf } from '../numbers/extremes.ts';
import { visibleLine } from '../text/visible-line.ts';
import { type Axis, timeAxis, valueAxis } from './axes.ts';
import { firingText, subtitleOf, titleOf } from './captions.ts';
import type { ChartInput } from './input.ts';
import { type ChartLine, chartLines } from './lines.ts';
import { type Band, breachBands, type ThresholdLine, thresholdLines } from './threshold-lines.ts';

export { type ChartLine, MAX_LINES } from './lines.ts';

/** Everything that is drawn, decided; a renderer measures and paints. */
export interface ChartSpec {
  theme: ChartTheme;
  /** `history`: of no alert. */
  status: 'firing' | 'resolved' | 'history';
  title: string;
  subtitle: string;
  x: Axis;
  y: Axis;
  thresholdLines: readonly ThresholdLine[];
  bands: readonly Band[];
  /** The alert's time above the bound before it fired; of several alerts each line has its own mark instead. */
  pending?: { fromMs: number; toMs: number };
  /** While any fired. */
  firing?: { fromMs: number; toMs: number; label: string };
  /** Breaching ones first, the worst of them before the others, so that a legend that is too short loses the others. */
  lines: readonly ChartLine[];
  /** Series that are not among the lines. */
  omitted: number;
  /** Values jump rather than slope: states. */
  stepped: boolean;
  alt: string;
}

/** Before the run began, so that the change is seen: three holds or thirty rounds, whichever is longer. */
const HOLDS_BEFORE = 3;
const ROUNDS_BEFORE = 30;
const FEW_ROUNDS = 3;
/** The chart of an alert that fires for days shows its last day, which bounds the number of samples. */
const LONGEST_MS = 24 * 3_600_000;

export function chartRange(input: {
  rule: Rule;
  alerts: readonly NotificationAlert[];
  nowMs: number;
  intervalMs: number;
}): { fromMs: number; toMs: number } {
  const { rule, alerts, nowMs, intervalMs } = input;
  const sinceMs = Math.min(nowMs, leastOf(alerts.map((alert) => alert.sinceMs)));
  const before = Math.max(HOLDS_BEFORE * rule.forMs, ROUNDS_BEFORE * intervalMs, (nowMs - sinceMs) / 4);
  const longest = Math.max(LONGEST_MS, 4 * rule.forMs);
  return { fromMs: Math.floor(Math.max(sinceMs - before, nowMs - longest)), toMs: nowMs };
}

export function buildChartSpec(asked: ChartInput): ChartSpec {
  const input = { ...asked, fromMs: firstMsOf(asked) };
  const { rule, fromMs, toMs, timeZone, status } = input;
  const measure = measureOf(rule);
  const { lines, values, omitted } = chartLines(input);
  const bounds = thresholdLines(rule, measure.unit);
  const y = valueAxis(
    values,
    bounds.map((bound) => bound.value),
    measure,
  );
  const stepped = measure.unit === 'bool';
  const title = visibleLine(titleOf(input));
  const subtitle = subtitleOf(input);
  return {
    theme: input.theme ?? 'dark',
    status,
    title,
    subtitle,
    x: timeAxis(fromMs, toMs, timeZone),
    y,
    thresholdLines: bounds,
    bands: stepped ? [] : breachBands(rule.condition, y),
    ...spansOf(input),
    lines,
    omitted,
    stepped,
    alt: `${title}; ${subtitle}`,
  };
}

/**
 * The range begins with the data: a store that was started a minute ago has no empty hour to show. Data of so short a
 * time stand a round away from the edge, where a first dot would not be seen.
 */
function firstMsOf({ series, alerts, fromMs, toMs, intervalMs }: ChartInput): number {
  const firsts = [...series.map((s) => s.points[0]?.timeMs), ...alerts.map((alert) => alert.sinceMs)];
  const firstMs = leastOf(firsts.filter((ms) => ms !== undefined));
  if (!Number.isFinite(firstMs) || firstMs >= toMs) return fromMs;
  const leadMs = toMs - firstMs < FEW_ROUNDS * intervalMs ? intervalMs : 0;
  return Math.max(fromMs, firstMs - leadMs);
}

function spansOf(input: ChartInput): Pick<ChartSpec, 'pending' | 'firing'> {
  const { alerts, fromMs, toMs } = input;
  const first = [...alerts].sort((a, b) => a.firedAtMs - b.firedAtMs)[0];
  if (!first) return {};
  const still = alerts.some((alert) => alert.status === 'firing');
  const overMs = still ? toMs : greatestOf(alerts.map((alert) => alert.resolvedAtMs ?? toMs));
  const clamp = (ms: number) => Math.min(toMs, Math.max(fromMs, ms));
  return {
    ...(alerts.length === 1 && { pending: { fromMs: clamp(first.sinceMs), toMs: clamp(first.firedAtMs) } }),
    firing: { fromMs: clamp(first.firedAtMs), toMs: clamp(overMs), label: firingText(input) },
  };
}
