// From the samples of a source to vectors and range vectors. Look-back and ranges are open at the left and closed at the right.

import type { AtModifier, SelectorNode } from './ast.ts';
import type { Evaluation } from './evaluation.ts';
import { emptySeries, type Grid, type RangeVector, type SteppedSeries } from './grid.ts';
import { sortByLabels } from './label-sets.ts';
import type { ColumnSeries } from './source.ts';

/** When a selector reads: at step 0, and how much later at each further one. */
interface ReadTimes {
  firstMs: number;
  stepMs: number;
  lastMs: number;
}

/** `@` fixes the time, in each subquery too. */
export function readTimes(
  { at, offsetMs }: { at?: AtModifier; offsetMs: number },
  grid: Grid,
  { startMs, endMs }: Evaluation,
): ReadTimes {
  if (at !== undefined) {
    const fixedMs = (at === 'start' ? startMs : at === 'end' ? endMs : at.timeMs) - offsetMs;
    return { firstMs: fixedMs, stepMs: 0, lastMs: fixedMs };
  }
  const firstMs = grid.startMs - offsetMs;
  return { firstMs, stepMs: grid.stepMs, lastMs: firstMs + (grid.steps - 1) * grid.stepMs };
}

/**
 * The last value of each series at each step, at most the look-back old. `wanted` times: when that value was measured,
 * in seconds; like Prometheus' engine this knows no `offset` beside `@`.
 */
export async function selectVector(
  node: SelectorNode,
  grid: Grid,
  evaluation: Evaluation,
  wanted: 'values' | 'times' = 'values',
): Promise<SteppedSeries[]> {
  const { lookbackMs } = evaluation;
  const isTimeOfFixed = wanted === 'times' && node.at !== undefined;
  const times = readTimes(isTimeOfFixed ? { ...node, offsetMs: 0 } : node, grid, evaluation);
  const read = await readColumns(node, times, lookbackMs, evaluation);
  const found: SteppedSeries[] = [];
  for (const column of read) {
    evaluation.hold(grid.steps);
    const series = emptySeries(column.labels, grid.steps);
    if (fillLastValues(series, column, wanted === 'times', times, lookbackMs)) found.push(series);
    else evaluation.held -= grid.steps;
    evaluation.held -= column.times.length;
    if (evaluation.isPauseDue(grid.steps + column.times.length)) await evaluation.pause();
  }
  return found;
}

function fillLastValues(
  { values, present }: SteppedSeries,
  column: ColumnSeries,
  isTime: boolean,
  { firstMs, stepMs }: ReadTimes,
  lookbackMs: number,
): boolean {
  const { times, endsMs = [] } = column;
  let isFound = false;
  for (let step = 0, next = 0, ended = 0; step < values.length; step++) {
    const timeMs = firstMs + step * stepMs;
    while (next < times.length && times[next]! <= timeMs) next++;
    while (ended < endsMs.length && endsMs[ended]! <= timeMs) ended++;
    if (next === 0 || times[next - 1]! <= timeMs - lookbackMs) continue;
    if (ended > 0 && endsMs[ended - 1]! > times[next - 1]!) continue;
    values[step] = isTime ? times[next - 1]! / 1000 : column.values[next - 1]!;
    present[step] = 1;
    isFound = true;
  }
  return isFound;
}

export async function selectRange(
  node: SelectorNode,
  rangeMs: number,
  grid: Grid,
  evaluation: Evaluation,
): Promise<RangeVector> {
  const times = readTimes(node, grid, evaluation);
  const series = await readColumns(node, times, rangeMs, evaluation);
  return { series, endMs: times.firstMs, endStepMs: times.stepMs, rangeMs };
}

async function readColumns(
  { matchers }: SelectorNode,
  { firstMs, lastMs }: ReadTimes,
  beforeMs: number,
  evaluation: Evaluation,
): Promise<ColumnSeries[]> {
  const columns = await evaluation.source.select({ matchers, fromMs: firstMs - beforeMs + 1, toMs: lastMs });
  for (const { times } of columns) evaluation.hold(times.length);
  await evaluation.pause();
  // Sums and ties depend on the order, which must not depend on the store.
  return sortByLabels(columns);
}
