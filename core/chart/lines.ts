import { currentForMs } from '../current.ts';
import { formatMetricValue, formatMoment } from '../format.ts';
import { labelKey, naturalOrder } from '../labels.ts';
import { measureOf } from '../measure.ts';
import type { Labels } from '../model/labels.ts';
import type { NotificationAlert } from '../model/notification.ts';
import type { Rule } from '../model/rule.ts';
import type { Point } from '../model/sample.ts';
import { badness, compareBadness } from '../notify/badness.ts';
import { labelsText } from '../notify/summary.ts';
import { greatestOf } from '../numbers/extremes.ts';
import { createDownsampler } from './downsample.ts';
import type { ChartInput } from './input.ts';
import { MOST_BREACHING, neighbourhoodsOf } from './selection.ts';
import { thresholdLines } from './threshold-lines.ts';

export interface ChartLine {
  name: string;
  /** Newest value, formatted, with its time where it is not current; empty without points. */
  value: string;
  breaching: boolean;
  /** When its alert fired, where the picture shows several alerts. */
  firedAtMs?: number;
  /** When it ended, there. */
  endedAtMs?: number;
  /** Runs of points without a gap between them. */
  segments: readonly (readonly Point[])[];
}

export const MAX_LINES = 30;
/** A neighbour that is always so many times further from zero is not drawn. */
const FAR = 4;
/** A line has at most two points a bin; a bin is two of a picture's pixels wide. */
const BINS = 900;

/** The lines, the worst of those that breach first, and how many series there are beside them. */
export function chartLines(input: ChartInput): { lines: ChartLine[]; values: number[]; omitted: number } {
  const { alerts, rule, fromMs, toMs, intervalMs, timeZone } = input;
  const measure = measureOf(rule);
  const alertOf = new Map(alerts.map((alert) => [labelKey(alert.labels), alert]));
  const several = neighbourhoodsOf(alerts).values.length > 1;
  const ranked = input.series
    .flatMap(({ labels, points }) => {
      const alert = alertOf.get(labelKey(labels));
      if (several && !alert) return [];
      const shown = points.filter(within(fromMs, toMs));
      const rank = alert ? badness(rule.condition, shown.at(-1)?.value ?? alert.value) : 0;
      return [{ name: seriesName(labels, several), alert, rank, points: shown }];
    })
    .sort(
      (a, b) =>
        Number(b.alert !== undefined) - Number(a.alert !== undefined) ||
        Number(b.alert?.status === 'firing') - Number(a.alert?.status === 'firing') ||
        compareBadness(a.rank, b.rank) ||
        naturalOrder.compare(a.name, b.name),
    );
  const breaching = ranked.filter(({ alert }) => alert).slice(0, MOST_BREACHING);
  const reach = FAR * reachOf(rule, breaching);
  const isFar = ({ points }: { points: readonly Point[] }) =>
    points.length > 0 && points.every(({ value }) => Math.abs(value) > reach);
  const neighbours = ranked.filter((one) => !one.alert && !isFar(one));
  const drawn = [...breaching, ...neighbours].slice(0, MAX_LINES);
  const valueText = ({ timeMs, value }: Point) => {
    const shown = formatMetricValue(value, measure);
    const old = toMs - timeMs > currentForMs(intervalMs);
    return old ? `${shown} at ${formatMoment(timeMs, toMs, timeZone)}` : shown;
  };
  const lines = drawn.map(({ name, alert, points }): ChartLine => {
    const last = points.at(-1);
    return {
      name,
      value: last ? valueText(last) : '',
      breaching: alert !== undefined,
      ...(alert && alerts.length > 1 && marksOf(alert)),
      segments: segmentsOf(points, input),
    };
  });
  // Several clusters: count breaching series that were not read. One cluster: count what the query left out.
  const unread = several ? Math.max(0, alerts.length - ranked.length) : (input.others ?? 0);
  return {
    lines,
    values: drawn.flatMap(({ points }) => points.map(({ value }) => value)),
    omitted: ranked.length - drawn.length + unread,
  };
}

/**
 * How far from zero the alerts and their bounds go. Neighbours that stay far beyond are not drawn: beside the ten years of an
 * authority the last week of a certificate would lie flat on the ground. Percent and states have an axis that is the same for all.
 */
function reachOf(rule: Rule, breaching: readonly { points: readonly Point[] }[]): number {
  const { unit } = measureOf(rule);
  const values = breaching.flatMap(({ points }) => points.map(({ value }) => Math.abs(value)));
  if (unit === 'percent' || unit === 'bool' || values.length === 0) return Number.POSITIVE_INFINITY;
  return greatestOf([...values, ...thresholdLines(rule, unit).map(({ value }) => Math.abs(value))]);
}

function marksOf({ status, firedAtMs, resolvedAtMs }: NotificationAlert) {
  return { firedAtMs, ...(status === 'resolved' && { endedAtMs: resolvedAtMs }) };
}

/** Where it is within its cluster, which the subtitle names; of several clusters the whole place. */
function seriesName(labels: Labels, several: boolean): string {
  const { cluster: _cluster, ...rest } = labels;
  return (several ? '' : labelsText(rest)) || labelsText(labels);
}

function within(fromMs: number, toMs: number): (point: Point) => boolean {
  return ({ timeMs, value }) => timeMs >= fromMs && timeMs <= toMs && Number.isFinite(value);
}

function segmentsOf(points: readonly Point[], { fromMs, toMs, intervalMs }: ChartInput): Point[][] {
  const downsampler = createDownsampler({ fromMs, toMs, bins: BINS, intervalMs });
  for (const point of points) downsampler.add(point);
  return downsampler.segments();
}
