import { findMetric, GROUP_LABELS } from '../catalogue.ts';
import { currentForMs } from '../current.ts';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Point, Series } from '../model/sample.ts';
import { ratioUnit } from '../ratio-unit.ts';

/**
 * The quotients of a ratio, newer than `fromMs`, out of the series of both metrics. There is one at each time at which
 * either side has a sample, of the newest value of both; none where a side's is no longer current, or where the divisor
 * is 0. Labels are those of the dividend; the divisor's are the same, or those of its node.
 */
export function ratioSeries(
  { metric, over }: Pick<Rule, 'metric' | 'over'>,
  series: readonly Series[],
  intervalOf: (metric: string, labels: Labels) => number,
  fromMs: number,
): Series[] {
  const [dividend, divisor] = [findMetric(metric), findMetric(over ?? '')];
  if (!dividend || !divisor) return [];
  const { factor } = ratioUnit(dividend.unit, divisor.unit);
  const shared: readonly string[] = GROUP_LABELS[divisor.group];
  const keyOf = (labels: Labels) => JSON.stringify(shared.map((name) => labels[name]));
  const divisors = new Map(
    series.filter((one) => one.metric === over).map(({ labels, points }) => [keyOf(labels), points]),
  );
  return series
    .filter((one) => one.metric === metric)
    .map(({ labels, points }) => {
      const below = divisors.get(keyOf(labels)) ?? [];
      const ofMs = currentForMs(intervalOf(metric, labels));
      const overMs = currentForMs(intervalOf(divisor.name, labels));
      return { metric, labels, points: quotients({ points, below, factor, ofMs, overMs, fromMs }) };
    })
    .filter(({ points }) => points.length > 0);
}

function quotients(input: {
  points: readonly Point[];
  below: readonly Point[];
  factor: 1 | 100;
  /** How long a value of each side is current. */
  ofMs: number;
  overMs: number;
  fromMs: number;
}): Point[] {
  const { points, below, factor, ofMs, overMs, fromMs } = input;
  const found: Point[] = [];
  let [i, j] = [0, 0];
  let of: Point | undefined;
  let over: Point | undefined;
  while (i < points.length || j < below.length) {
    const timeMs = Math.min(points[i]?.timeMs ?? Infinity, below[j]?.timeMs ?? Infinity);
    if (points[i]?.timeMs === timeMs) of = points[i++];
    if (below[j]?.timeMs === timeMs) over = below[j++];
    if (timeMs <= fromMs || !of || !over) continue;
    if (timeMs - of.timeMs > ofMs || timeMs - over.timeMs > overMs) continue;
    const value = quotient(of.value, over.value, factor);
    if (Number.isFinite(value)) found.push({ timeMs, value });
  }
  return found;
}

/** Rounded once: 57 over 100 is 57%, and what is equal is 100%. Infinity or NaN over 0. */
function quotient(of: number, over: number, factor: 1 | 100): number {
  const near = (factor * of) / over;
  if (factor === 1 || !Number.isFinite(near)) return near;
  const [whole, reached] = [factor * of, near * over];
  const missing = whole - reached + (lostOf(factor, of, whole) - lostOf(near, over, reached));
  const exact = near + missing / over;
  return Number.isFinite(exact) ? exact : near;
}

/** Splits a double into halves of 26 bits. Dekker, A Floating-Point Technique for Extending the Available Precision, 1971. */
const SPLITTER = 2 ** 27 + 1;

/** What rounding lost of a product. */
function lostOf(a: number, b: number, product: number): number {
  const aHigh = a * SPLITTER - (a * SPLITTER - a);
  const bHigh = b * SPLITTER - (b * SPLITTER - b);
  const [aLow, bLow] = [a - aHigh, b - bHigh];
  return aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow;
}
