import { greatestOf, leastOf } from '../extremes.ts';
import type { Point, Rule, Series } from '../model.ts';
import { nearestRank } from '../roll-up.ts';
import { partOf, seriesOfParts } from './aggregate.ts';
import type { AggregatePart, EvaluateInput, ExpectedTarget } from './model.ts';

type JudgedInput = Pick<EvaluateInput, 'rule' | 'series' | 'intervalMs' | 'parts'> & {
  targets?: readonly ExpectedTarget[];
};

/**
 * What the condition is compared with, newer than `fromMs`: windows first, then aggregates. Each needs half of what it
 * expects, samples or targets; where less is there, there is no sample. Without `targets` nothing is expected of them.
 */
export function judgedSeries(input: JudgedInput, fromMs: number): readonly Series[] {
  const { aggregate } = input.rule;
  if (!aggregate) return windowedSeries(input, fromMs);
  const parts = input.parts ?? [judgedPart(input, aggregate, fromMs)];
  return seriesOfParts(input, aggregate, parts, fromMs);
}

/** The same of some of the clusters that the aggregate is across; `series` and `targets` are theirs. */
export function judgedPart(
  input: JudgedInput,
  aggregate: NonNullable<Rule['aggregate']>,
  fromMs: number,
): AggregatePart {
  return partOf(windowedSeries(input, fromMs), aggregate, input.targets, fromMs);
}

function windowedSeries({ rule, series, intervalMs }: JudgedInput, fromMs: number): readonly Series[] {
  const { window } = rule;
  if (!window) return series;
  return series
    .map((one) => ({ ...one, points: reduceWindows(one.points, window, intervalMs, fromMs) }))
    .filter(({ points }) => points.length > 0);
}

/** A value at each sample's time: of the samples newer than `last` before it, itself included. */
function reduceWindows(
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
    const value = reduce(points.slice(first, i + 1), window.reduce);
    if (value !== undefined) reduced.push({ timeMs, value });
  }
  return reduced;
}

function reduce(points: readonly Point[], how: NonNullable<Rule['window']>['reduce']): number | undefined {
  const [first, last] = [points[0] as Point, points.at(-1) as Point];
  const values = points.map(({ value }) => value);
  switch (how) {
    case 'avg':
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    case 'max':
      return greatestOf(values);
    case 'min':
      return leastOf(values);
    case 'p95':
      return nearestRank(values, 0.95);
    case 'delta':
      return last.value - first.value;
    case 'rate':
      // Of one sample there is none.
      return last === first ? undefined : ((last.value - first.value) * 1000) / (last.timeMs - first.timeMs);
  }
}
