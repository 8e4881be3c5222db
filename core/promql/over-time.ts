// `…_over_time`, and the others that look only at the values of a window.

import { addTo, type KahanSum } from './kahan-sum.ts';
import { slidingBest, slidingQuantile } from './sliding.ts';
import type { ColumnSeries } from './source.ts';
import type { RangeFunction, Window, WindowFunction } from './windows.ts';

/** A value of the window's values, of which there is at least one. */
const ofValues =
  (compute: (values: Float64Array, window: Window) => number): RangeFunction =>
  ({ values }) =>
  (window) =>
    compute(values, window);

const average = ofValues((values, { from, to }) => {
  const total: KahanSum = { sum: values[from]!, lost: 0 };
  for (let i = from + 1; i < to; i++) {
    const { sum, lost } = total;
    addTo(total, values[i]!);
    // The sum is too large for a number, which the mean need not be: from here on the mean alone is carried.
    if (Math.abs(total.sum) === Infinity) return runningMean(values, i, { from, to }, { sum, lost });
  }
  const count = to - from;
  return total.sum / count + total.lost / count;
});

/** `total` is the sum of the values before `next`. */
function runningMean(
  values: Float64Array,
  next: number,
  { from, to }: { from: number; to: number },
  total: KahanSum,
): number {
  const mean: KahanSum = { sum: total.sum / (next - from), lost: total.lost / (next - from) };
  for (let i = next; i < to; i++) {
    const count = i - from + 1;
    const share = (count - 1) / count;
    mean.sum *= share;
    mean.lost *= share;
    addTo(mean, values[i]! / count);
  }
  return mean.sum + mean.lost;
}

const sum = ofValues((values, { from, to }) => {
  const total: KahanSum = { sum: 0, lost: 0 };
  for (let i = from; i < to; i++) addTo(total, values[i]!);
  return Math.abs(total.sum) === Infinity ? total.sum : total.sum + total.lost;
});

function variance(values: Float64Array, { from, to }: Window): number {
  const mean: KahanSum = { sum: 0, lost: 0 };
  const squares: KahanSum = { sum: 0, lost: 0 };
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    const delta = value - (mean.sum + mean.lost);
    addTo(mean, delta / (i - from + 1));
    addTo(squares, delta * (value - (mean.sum + mean.lost)));
  }
  return (squares.sum + squares.lost) / (to - from);
}

/** How often in a window a value differs from the one before by `isEvent`: counted once for the series, whatever its windows. */
const eventCount =
  (isEvent: (before: number, value: number) => boolean) =>
  (series: ColumnSeries): WindowFunction => {
    const counts = countEvents(series, isEvent);
    return ({ from, to }) => counts[to - 1]! - counts[from]!;
  };

/** How many events there were up to each sample. */
export function countEvents(
  { values }: ColumnSeries,
  isEvent: (before: number, value: number) => boolean,
): Uint32Array {
  const counts = new Uint32Array(values.length);
  for (let i = 1; i < values.length; i++) {
    counts[i] = counts[i - 1]! + (isEvent(values[i - 1]!, values[i]!) ? 1 : 0);
  }
  return counts;
}

export const isReset = (before: number, value: number) => value < before;
const isChange = (before: number, value: number) =>
  value !== before && !(Number.isNaN(value) && Number.isNaN(before));

export const OVER_TIME = {
  avg_over_time: average,
  sum_over_time: sum,
  count_over_time: ofValues((_, { from, to }) => to - from),
  min_over_time: slidingBest((value, best) => value < best),
  max_over_time: slidingBest((value, best) => value > best),
  last_over_time: ofValues((values, { to }) => values[to - 1]!),
  present_over_time: ofValues(() => 1),
  // Steps with a value; `absentSteps` turns them around.
  absent_over_time: ofValues(() => 1),
  stddev_over_time: ofValues((values, window) => Math.sqrt(variance(values, window))),
  stdvar_over_time: ofValues(variance),
  quantile_over_time: slidingQuantile,
  changes: eventCount(isChange),
  resets: eventCount(isReset),
} as const satisfies Readonly<Record<string, RangeFunction>>;
