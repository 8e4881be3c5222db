import type { Rule } from '../model/rule.ts';
import type { Point } from '../model/sample.ts';
import { meanOf, sumOf } from '../numbers/exact-sum.ts';
import { greatestOf, leastOf } from '../numbers/extremes.ts';
import { nearestRank } from '../numbers/roll-up.ts';
import { forecast } from './forecast.ts';

/** Reduces, at each sample's time, the samples of the last `lastMs`, that sample included. */
export function reduceWindows(
  points: readonly Point[],
  window: NonNullable<Rule['window']>,
  intervalMs: number,
  fromMs: number,
): Point[] {
  const expected = Math.max(1, window.lastMs / intervalMs);
  const reduced: Point[] = [];
  let first = 0;
  for (const [i, { timeMs }] of points.entries()) {
    while ((points[first] as Point).timeMs <= timeMs - window.lastMs) first++;
    if (timeMs <= fromMs || (i - first + 1) * 2 < expected) continue;
    const value = reduce(points, first, i + 1, window);
    if (value !== undefined) reduced.push({ timeMs, value });
  }
  return reduced;
}

/** Takes the window as a range of the points: a slice for each value was a gigabyte a round for a thousand nodes. */
function reduce(
  points: readonly Point[],
  from: number,
  to: number,
  { reduce: how, aheadMs = 0 }: NonNullable<Rule['window']>,
): number | undefined {
  const [first, last] = [points[from] as Point, points[to - 1] as Point];
  const values = () => points.slice(from, to).map(({ value }) => value);
  switch (how) {
    case 'avg':
      return meanOf(values());
    case 'max':
      return greatestOf(values());
    case 'min':
      return leastOf(values());
    case 'p95':
      return nearestRank(values(), 0.95);
    case 'delta':
      return last.value - first.value;
    case 'rate':
      // One sample has no rate.
      return last === first
        ? undefined
        : (increaseOf(points.slice(from, to)) * 1000) / (last.timeMs - first.timeMs);
    case 'forecast':
      return forecast(points, aheadMs, from, to);
  }
}

/**
 * How much a counter grew from the first sample to the last. A value lower than the one before it means that the counter
 * was reset to zero, as in Prometheus' `increase`; unlike there, nothing is extrapolated beyond the samples.
 */
function increaseOf(points: readonly Point[]): number {
  const [first, last] = [points[0] as Point, points.at(-1) as Point];
  const terms = [last.value, -first.value];
  let before = first.value;
  for (const { value } of points) {
    if (value < before) terms.push(before);
    before = value;
  }
  return terms.length === 2 ? last.value - first.value : sumOf(terms);
}
