// Aggregations that make one series of each group.

import type { Labels } from '../model/labels.ts';
import type { AggregateNode } from './ast.ts';
import type { Evaluation } from './evaluation.ts';
import { emptySeries, type SteppedSeries } from './grid.ts';
import { lostBy } from './kahan-sum.ts';
import { drop, keep, keyOf, METRIC_NAME } from './label-sets.ts';
import { quantile } from './quantile.ts';

export interface Group {
  labels: Labels;
  /** In the order of the vector: sums depend on it in their last bits. */
  members: SteppedSeries[];
}

/** The labels of the group that a series belongs to. */
export function groupLabels({ grouping }: AggregateNode): (labels: Labels) => Labels {
  if (!grouping) return () => ({});
  if (grouping.mode === 'by') {
    const names = new Set(grouping.labels);
    return (labels) => keep(labels, names);
  }
  const names = new Set([METRIC_NAME, ...grouping.labels]);
  return (labels) => drop(labels, names);
}

export function groupSeries(node: AggregateNode, vector: readonly SteppedSeries[]): Group[] {
  const labelsOf = groupLabels(node);
  const groups = new Map<string, Group>();
  for (const series of vector) {
    const labels = labelsOf(series.labels);
    const key = keyOf(labels);
    const group = groups.get(key);
    if (group) group.members.push(series);
    else groups.set(key, { labels, members: [series] });
  }
  return [...groups.values()];
}

/** Fills the result of a group, and yields how many samples it has computed since it last did. */
type Reducer = (group: Group, result: SteppedSeries, parameters: Float64Array) => Iterable<number>;

/** Folds each further value of a step into the first one. */
const folding = (
  fold: (result: number, value: number) => number,
  first: (value: number) => number = (value) => value,
): Reducer =>
  function* ({ members }, { values: results, present: seen }) {
    for (const { values, present } of members) {
      for (let step = 0; step < results.length; step++) {
        if (!present[step]) continue;
        results[step] = seen[step] ? fold(results[step]!, values[step]!) : first(values[step]!);
        seen[step] = 1;
      }
      yield results.length;
    }
  };

const sum: Reducer = function* ({ members }, { values: sums, present: seen }) {
  const lost = new Float64Array(sums.length);
  for (const { values, present } of members) {
    for (let step = 0; step < sums.length; step++) {
      if (!present[step]) continue;
      const value = values[step]!;
      if (seen[step]) {
        const total = sums[step]!;
        sums[step] = total + value;
        lost[step] = lostBy(total, value, sums[step]!, lost[step]!);
      } else {
        sums[step] = value;
        seen[step] = 1;
      }
    }
    yield sums.length;
  }
  for (let step = 0; step < sums.length; step++) sums[step]! += lost[step]!;
};

const average: Reducer = function* ({ members }, { values: totals, present: seen }) {
  const steps = totals.length;
  const lost = new Float64Array(steps);
  const counts = new Uint32Array(steps);
  /** Where the sum would be too large for a number, `totals` has the mean so far. */
  const isMean = new Uint8Array(steps);
  for (const { values, present } of members) {
    for (let step = 0; step < steps; step++) {
      if (!present[step]) continue;
      const value = values[step]!;
      const count = ++counts[step]!;
      seen[step] = 1;
      if (count === 1) {
        totals[step] = value;
        continue;
      }
      let total = totals[step]!;
      if (!isMean[step]) {
        const next = total + value;
        if (Math.abs(next) !== Infinity) {
          lost[step] = lostBy(total, value, next, lost[step]!);
          totals[step] = next;
          continue;
        }
        isMean[step] = 1;
        total /= count - 1;
        lost[step]! /= count - 1;
      }
      const share = (count - 1) / count;
      const before = share * total;
      const next = before + value / count;
      totals[step] = next;
      lost[step] = lostBy(before, value / count, next, share * lost[step]!);
    }
    yield steps;
  }
  for (let step = 0; step < steps; step++) {
    if (!seen[step]) continue;
    const count = isMean[step] ? 1 : counts[step]!;
    totals[step] = totals[step]! / count + lost[step]! / count;
  }
};

const variance = (finish: (value: number) => number): Reducer =>
  function* ({ members }, { values: squares, present: seen }) {
    const means = new Float64Array(squares.length);
    const counts = new Uint32Array(squares.length);
    for (const { values, present } of members) {
      for (let step = 0; step < squares.length; step++) {
        if (!present[step]) continue;
        const value = values[step]!;
        const count = ++counts[step]!;
        seen[step] = 1;
        if (count === 1) {
          means[step] = value;
          squares[step] = Number.isFinite(value) ? 0 : Number.NaN;
          continue;
        }
        const delta = value - means[step]!;
        means[step]! += delta / count;
        squares[step]! += delta * (value - means[step]!);
      }
      yield squares.length;
    }
    for (let step = 0; step < squares.length; step++) {
      if (seen[step]) squares[step] = finish(squares[step]! / counts[step]!);
    }
  };

const quantiles: Reducer = function* ({ members }, { values: results, present: seen }, parameters) {
  const values = new Float64Array(members.length);
  for (let step = 0; step < results.length; step++) {
    let count = 0;
    for (const member of members) if (member.present[step]) values[count++] = member.values[step]!;
    if (count === 0) continue;
    results[step] = quantile(parameters[step]!, values.subarray(0, count));
    seen[step] = 1;
    yield members.length;
  }
};

export const REDUCERS = {
  sum,
  avg: average,
  count: folding(
    (count) => count + 1,
    () => 1,
  ),
  group: folding(
    () => 1,
    () => 1,
  ),
  // NaN only where all values are.
  max: folding((max, value) => (max < value || Number.isNaN(max) ? value : max)),
  min: folding((min, value) => (min > value || Number.isNaN(min) ? value : min)),
  stddev: variance(Math.sqrt),
  stdvar: variance((value) => value),
  quantile: quantiles,
} as const satisfies Readonly<Record<string, Reducer>>;

/** @param parameters of `quantile`, at each step; empty for the others */
export async function reduceGroups(
  node: AggregateNode,
  reduce: Reducer,
  vector: readonly SteppedSeries[],
  parameters: Float64Array,
  evaluation: Evaluation,
): Promise<SteppedSeries[]> {
  const results: SteppedSeries[] = [];
  for (const group of groupSeries(node, vector)) {
    const steps = group.members[0]!.values.length;
    evaluation.hold(steps);
    const result = emptySeries(group.labels, steps);
    for (const work of reduce(group, result, parameters)) {
      if (evaluation.isPauseDue(work)) await evaluation.pause();
    }
    results.push(result);
  }
  return results;
}
