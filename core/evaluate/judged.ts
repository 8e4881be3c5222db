import { labelKey } from '../labels.ts';
import type { Labels, Point, Rule, Series } from '../model.ts';
import { nearestRank } from '../roll-up.ts';
import { placeOf } from './identity.ts';
import type { EvaluateInput, ExpectedTarget } from './model.ts';
import { TARGET_LABELS } from './range.ts';

type JudgedInput = Pick<EvaluateInput, 'rule' | 'series' | 'intervalMs'> & {
  targets?: readonly ExpectedTarget[];
};

/**
 * What the condition is compared with, newer than `fromMs`: windows first, then aggregates. Each needs half of what it
 * expects, samples or targets; where less is there, there is no sample. Without `targets` nothing is expected of them.
 */
export function judgedSeries(input: JudgedInput, fromMs: number): readonly Series[] {
  const { rule, series, intervalMs } = input;
  const { window, aggregate } = rule;
  const windowed = window
    ? series
        .map((one) => ({ ...one, points: reduceWindows(one.points, window, intervalMs, fromMs) }))
        .filter(({ points }) => points.length > 0)
    : series;
  return aggregate ? aggregateSeries(windowed, aggregate, input.targets, fromMs) : windowed;
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
      return Math.max(...values);
    case 'min':
      return Math.min(...values);
    case 'p95':
      return nearestRank(values, 0.95);
    case 'delta':
      return last.value - first.value;
    case 'rate':
      // Of one sample there is none.
      return last === first ? undefined : ((last.value - first.value) * 1000) / (last.timeMs - first.timeMs);
  }
}

function aggregateSeries(
  series: readonly Series[],
  aggregate: NonNullable<Rule['aggregate']>,
  targets: readonly ExpectedTarget[] | undefined,
  fromMs: number,
): Series[] {
  const places = targets && new Set(targets.map(({ labels }) => placeOf(labels)));
  const groups = new Map<string, { metric: string; labels: Labels; members: Series[] }>();
  for (const one of series) {
    const place = placeOf(one.labels);
    // What the inventory no longer has counts no more.
    if (place !== undefined && places && !places.has(place)) continue;
    const labels = groupLabels(one.labels, aggregate.by);
    if (!labels) continue;
    const key = labelKey(labels);
    const group = groups.get(key) ?? { metric: one.metric, labels, members: [] };
    group.members.push(one);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap(({ metric, labels, members }) => {
    const expected = isOfTargets(aggregate.by) ? targetsOf(labels, targets).length : 0;
    const points = combine(members, aggregate.op, expected, fromMs);
    return points.length > 0 ? [{ metric, labels, points }] : [];
  });
}

function combine(
  members: readonly Series[],
  op: NonNullable<Rule['aggregate']>['op'],
  expected: number,
  fromMs: number,
): Point[] {
  const times = new Map<number, { values: number[]; places: Set<string | undefined> }>();
  for (const { labels, points } of members) {
    const place = placeOf(labels);
    for (const { timeMs, value } of points) {
      if (timeMs <= fromMs) continue;
      const at = times.get(timeMs) ?? { values: [], places: new Set() };
      at.values.push(value);
      at.places.add(place);
      times.set(timeMs, at);
    }
  }
  return [...times]
    .filter(([, { places }]) => places.size * 2 >= expected)
    .map(([timeMs, { values }]) => ({ timeMs, value: aggregateOf(values, op) }))
    .sort((a, b) => a.timeMs - b.timeMs);
}

function aggregateOf(values: readonly number[], op: NonNullable<Rule['aggregate']>['op']): number {
  switch (op) {
    case 'max':
      return Math.max(...values);
    case 'min':
      return Math.min(...values);
    case 'count':
      return values.length;
    case 'sum':
    case 'avg': {
      // In one order whatever that of the series: the sum of floats depends on it.
      const sum = [...values].sort((a, b) => a - b).reduce((total, value) => total + value, 0);
      return op === 'sum' ? sum : sum / values.length;
    }
  }
}

/** The labels of an aggregate; undefined for a series that lacks one of them. */
function groupLabels(labels: Labels, by: readonly string[]): Labels | undefined {
  const entries = by.map((name) => [name, labels[name]] as const);
  return entries.every(([, value]) => value !== undefined)
    ? (Object.fromEntries(entries) as Labels)
    : undefined;
}

function isOfTargets(by: readonly string[]): boolean {
  return by.every((name) => TARGET_LABELS.some((label) => label === name));
}

function targetsOf(labels: Labels, targets: readonly ExpectedTarget[] = []): readonly ExpectedTarget[] {
  return targets.filter((target) =>
    Object.entries(labels).every(([name, value]) => target.labels[name] === value),
  );
}

/** An aggregate of targets of which the inventory has none any more: its cluster was removed. */
export function isGroupGone(input: Pick<EvaluateInput, 'rule' | 'targets'>, labels: Labels): boolean {
  const { aggregate } = input.rule;
  return (
    aggregate !== undefined && isOfTargets(aggregate.by) && targetsOf(labels, input.targets).length === 0
  );
}
