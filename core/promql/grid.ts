// The values that an expression has at each step of a query. Functions own the series that they are given, and may change them.

import type { Labels } from '../model/labels.ts';
import { dropMetadata, keyOf } from './label-sets.ts';
import { type ColumnSeries, QueryError } from './source.ts';

/** The times of evaluation: `startMs`, and `steps` - 1 more. */
export interface Grid {
  startMs: number;
  stepMs: number;
  steps: number;
}

/** One series at all steps of a grid. A step without a value has 0 in `present`; NaN is a value. */
export interface SteppedSeries {
  labels: Labels;
  values: Float64Array;
  present: Uint8Array;
}

/** A range vector: at step `i` the samples in (`endMs` + `i` × `endStepMs` - `rangeMs`, `endMs` + `i` × `endStepMs`]. */
export interface RangeVector {
  series: readonly ColumnSeries[];
  endMs: number;
  /** 0: fixed by `@`. */
  endStepMs: number;
  rangeMs: number;
}

export function timeAt({ startMs, stepMs }: Grid, step: number): number {
  return startMs + step * stepMs;
}

export function emptySeries(labels: Labels, steps: number): SteppedSeries {
  return { labels, values: new Float64Array(steps), present: new Uint8Array(steps) };
}

export function hasValue({ present }: SteppedSeries): boolean {
  return present.includes(1);
}

export const SAME_LABELS = 'vector cannot contain metrics with the same labelset';

/** Joins series that became the same by losing labels. @throws QueryError where two of them have a value at one step */
export function mergeSameLabels(list: readonly SteppedSeries[]): SteppedSeries[] {
  const byKey = new Map<string, SteppedSeries>();
  for (const series of list) {
    const key = keyOf(series.labels);
    const first = byKey.get(key);
    if (first) mergeInto(first, series);
    else byKey.set(key, series);
  }
  return [...byKey.values()];
}

/** What is left of the labels when values no longer are those of the metric. @throws QueryError as `mergeSameLabels` */
export function withoutMetadata(list: readonly SteppedSeries[]): SteppedSeries[] {
  return mergeSameLabels(list.map((series) => ({ ...series, labels: dropMetadata(series.labels) })));
}

function mergeInto(target: SteppedSeries, { values, present }: SteppedSeries): void {
  for (let step = 0; step < present.length; step++) {
    if (!present[step]) continue;
    if (target.present[step]) throw new QueryError('execution', SAME_LABELS);
    target.present[step] = 1;
    target.values[step] = values[step]!;
  }
}

/** Without the steps that have no value. */
export function toColumns({ labels, values, present }: SteppedSeries, grid: Grid): ColumnSeries {
  let count = 0;
  for (const one of present) count += one;
  const times = new Float64Array(count);
  const kept = count === values.length ? values : new Float64Array(count);
  for (let step = 0, to = 0; step < present.length; step++) {
    if (!present[step]) continue;
    times[to] = timeAt(grid, step);
    kept[to++] = values[step]!;
  }
  return { labels, times, values: kept };
}
