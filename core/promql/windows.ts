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
  /** The time of the step, which differs from `endMs` by offset and `@`. */
  timeMs: number;
  /** The scalar argument at this step, where the function has one. */
  parameter: number;
}

/** The value at one step; undefined: none. */
export type WindowFunction = (window: Window) => number | undefined;

/** Prepares a function for all windows of a series. */
export type RangeFunction = (series: ColumnSeries) => WindowFunction;

/** `last_over_time` only shifts values in time: the result still is the metric. `absent_over_time` needs the steps alone. */
const KEEP_NAME: ReadonlySet<string> = new Set(['last_over_time', 'absent_over_time']);
const OF_COUNTERS: ReadonlySet<string> = new Set(['rate', 'increase']);
const COUNTER_NAME = /_(total|sum|count|bucket)$/;
const WORK_BETWEEN_CHECKS = 500_000;

export async function applyToWindows(
  node: CallNode,
  compute: RangeFunction,
  range: RangeVector,
  grid: Grid,
  parameters: Float64Array | undefined,
  evaluation: Evaluation,
): Promise<SteppedSeries[]> {
  const found = new Map<string, SteppedSeries>();
  for (const column of range.series) {
    const { labels } = column;
    evaluation.hold(grid.steps);
    const result = emptySeries(KEEP_NAME.has(node.name) ? labels : dropMetadata(labels), grid.steps);
    const walk = startWalk(column.times, range, grid, parameters);
    const computeWindow = compute(column);
    while (walk.step < grid.steps) {
      if (evaluation.isPauseDue(computeSteps(walk, computeWindow, result))) await evaluation.pause();
    }
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

/** How far the windows of a series are. One object serves all windows: there may be millions. */
interface Walk {
  times: Float64Array;
  range: RangeVector;
  grid: Grid;
  parameters: Float64Array | undefined;
  step: number;
  window: Window;
}

function startWalk(
  times: Float64Array,
  range: RangeVector,
  grid: Grid,
  parameters: Float64Array | undefined,
): Walk {
  const window = { from: 0, to: 0, startMs: 0.5, endMs: 0.5, timeMs: 0.5, parameter: Number.NaN };
  return { times, range, grid, parameters, step: 0, window };
}

/** Computes further steps, all of them unless that is much work: each window may have every sample. Gives the work done. */
function computeSteps(walk: Walk, compute: WindowFunction, { values, present }: SteppedSeries): number {
  const { times, range, grid, parameters, window } = walk;
  let { from, to } = window;
  let { step } = walk;
  let work = 0;
  for (; step < grid.steps && work < WORK_BETWEEN_CHECKS; step++) {
    const endMs = range.endMs + step * range.endStepMs;
    const startMs = endMs - range.rangeMs;
    while (to < times.length && times[to]! <= endMs) to++;
    while (from < to && times[from]! <= startMs) from++;
    if (from === to) continue;
    window.from = from;
    window.to = to;
    window.startMs = startMs;
    window.endMs = endMs;
    window.timeMs = timeAt(grid, step);
    if (parameters) window.parameter = parameters[step]!;
    const value = compute(window);
    work += to - from;
    if (value === undefined) continue;
    values[step] = value;
    present[step] = 1;
  }
  window.from = from;
  window.to = to;
  walk.step = step;
  return work + grid.steps;
}
