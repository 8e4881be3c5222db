// Functions over range vectors: each is computed from the samples of one series in a window that moves with the steps.

import type { CallNode } from './ast.ts';
import type { Evaluation } from './evaluation.ts';
import {
  emptySeries,
  type Grid,
  hasValue,
  type RangeVector,
  SAME_LABELS,
  type SteppedSeries,
  timeAt,
} from './grid.ts';
import { dropMetadata, keyOf, labelValue, METRIC_NAME } from './label-sets.ts';
import { type ColumnSeries, QueryError } from './source.ts';

/** The samples [`from`, `to`) of the series, at least one, of the times in (`startMs`, `endMs`]. */
export interface Window {
  from: number;
  to: number;
  startMs: number;
  endMs: number;
  /** Of the step: differs from `endMs` by offset and `@`. */
  timeMs: number;
  /** The scalar argument at this step, where the function has one. */
  parameter: number;
}

/** The value at one step; undefined: none. */
export type WindowFunction = (window: Window) => number | undefined;

/** Prepares a function for all windows of a series. */
export type RangeFunction = (series: ColumnSeries) => WindowFunction;

/** `last_over_time` only shifts values in time: the result still is the metric. Of `absent_over_time` only the steps count. */
const KEEP_NAME: ReadonlySet<string> = new Set(['last_over_time', 'absent_over_time']);
const OF_COUNTERS: ReadonlySet<string> = new Set(['rate', 'increase']);
const COUNTER_NAME = /_(total|sum|count|bucket)$/;
const WORK_OF_SERIES = 100_000;

export async function applyToWindows(
  node: CallNode,
  compute: RangeFunction,
  { series, endMs, endStepMs, rangeMs }: RangeVector,
  grid: Grid,
  parameters: Float64Array | undefined,
  evaluation: Evaluation,
): Promise<SteppedSeries[]> {
  const found = new Map<string, SteppedSeries>();
  for (const column of series) {
    const { labels, times } = column;
    evaluation.hold(grid.steps);
    const result = emptySeries(KEEP_NAME.has(node.name) ? labels : dropMetadata(labels), grid.steps);
    const { values, present } = result;
    const computeWindow = compute(column);
    let work = times.length;
    for (let step = 0, from = 0, to = 0; step < grid.steps; step++) {
      const windowEndMs = endMs + step * endStepMs;
      const windowStartMs = windowEndMs - rangeMs;
      while (to < times.length && times[to]! <= windowEndMs) to++;
      while (from < to && times[from]! <= windowStartMs) from++;
      if (from === to) continue;
      const value = computeWindow({
        from,
        to,
        startMs: windowStartMs,
        endMs: windowEndMs,
        timeMs: timeAt(grid, step),
        parameter: parameters ? parameters[step]! : Number.NaN,
      });
      work += to - from;
      if (value !== undefined) {
        values[step] = value;
        present[step] = 1;
      }
      // A window may have every sample of the series: one series alone may be much work.
      if (work > WORK_OF_SERIES && evaluation.isPauseDue(work)) {
        work = 0;
        await evaluation.pause();
      }
    }
    if (evaluation.isPauseDue(work)) await evaluation.pause();
    if (!hasValue(result)) {
      evaluation.held -= grid.steps;
      continue;
    }
    const key = keyOf(result.labels);
    if (found.has(key)) throw new QueryError('execution', SAME_LABELS);
    found.set(key, result);
    const name = labelValue(labels, METRIC_NAME);
    if (OF_COUNTERS.has(node.name) && name !== '' && !COUNTER_NAME.test(name)) {
      evaluation.inform(
        `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "${name}"`,
        node.args[0] ?? node,
      );
    }
  }
  return [...found.values()];
}
