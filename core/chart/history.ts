import { findMetric } from '../catalogue.ts';
import { formatMetricValue, formatSpan } from '../format.ts';
import { naturalOrder } from '../labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Point } from '../model/sample.ts';
import { labelsText } from '../notify/summary.ts';
import { timeAxis, valueAxis } from './axes.ts';
import type { ChartSpec } from './spec.ts';

/** A series as it is drawn: thinned, with what was newest before that. */
export interface DrawnSeries {
  labels: Labels;
  segments: readonly (readonly Point[])[];
  newest: Point;
}

/**
 * The chart of one metric without an alert. If there are more series than `most`, it keeps those that people look for: the
 * greatest peaks, and of states those that were down.
 */
export function buildHistorySpec(input: {
  metric: string;
  series: readonly DrawnSeries[];
  fromMs: number;
  toMs: number;
  timeZone: string;
  most: number;
}): ChartSpec {
  const { metric: metricName, series, fromMs, toMs, timeZone, most } = input;
  const metric = findMetric(metricName) ?? { unit: 'count' as const };
  const stepped = metric.unit === 'bool';
  // People look for `yes` rather than `no`, for example in a host key that changed.
  const lowest = stepped && findMetric(metricName)?.states !== undefined;
  const chosen = series
    .map((one) => ({ one, rank: lowest ? -extreme(one, Math.min) : extreme(one, Math.max) }))
    .sort((a, b) => b.rank - a.rank)
    .slice(0, most)
    .map(({ one }) => one);
  const { common, nameOf } = namesOf(series.map(({ labels }) => labels));
  const lines = chosen
    .map(({ labels, segments, newest }) => ({
      name: nameOf(labels),
      value: formatMetricValue(newest.value, metric),
      breaching: false,
      segments,
    }))
    .sort((a, b) => naturalOrder.compare(a.name, b.name));
  const title = findMetric(metricName)?.title ?? metricName;
  const count = `${series.length} series`;
  const subtitle = [metricName, ...common, count, `last ${formatSpan(toMs - fromMs)}`, timeZone].join(' · ');
  return {
    theme: 'dark',
    status: 'history',
    title,
    subtitle,
    x: timeAxis(fromMs, toMs, timeZone),
    y: valueAxis(
      chosen.flatMap(({ segments }) => segments.flat().map((point) => point.value)),
      [],
      metric,
    ),
    thresholdLines: [],
    bands: [],
    lines,
    omitted: series.length - lines.length,
    stepped,
    alt: `${title}; ${subtitle}`,
  };
}

function extreme({ segments }: DrawnSeries, pick: (a: number, b: number) => number): number {
  return segments.flat().reduce((found, { value }) => pick(found, value), segments[0]?.[0]?.value ?? 0);
}

/** A series is named by the labels in which it differs from the others; the subtitle shows those they share. */
function namesOf(all: readonly Labels[]): { common: string[]; nameOf: (labels: Labels) => string } {
  const first = all[0] ?? {};
  if (all.length < 2) return { common: [], nameOf: labelsText };
  const shared = (name: string) => all.every((labels) => labels[name] === first[name]);
  const differing = (labels: Labels) =>
    Object.fromEntries(Object.entries(labels).filter(([name]) => !shared(name)));
  const short = (labels: Labels) => labelsText(differing(labels));
  const unique = new Set(all.map(short)).size === all.length;
  const pairs = (labels: Labels) =>
    Object.entries(differing(labels))
      .map(([name, value]) => `${name}=${value}`)
      .join(' ');
  const commonNames = ['bastion', 'cluster', 'node', 'mount', 'device'].filter(
    (name) => first[name] !== undefined && shared(name),
  );
  return { common: commonNames.map((name) => `${name} ${first[name]}`), nameOf: unique ? short : pairs };
}
