// Functions of a window that are carried from one window to the next: windows only move forward, and a long one shares nearly all of
// its samples with the one before. Only what gives the very same number may be carried; sums would not.

import { quantileOfSorted } from './quantile.ts';
import type { RangeFunction } from './windows.ts';

/** The first of the best values; NaN only where all values are. */
export const slidingBest =
  (isBetter: (value: number, best: number) => boolean): RangeFunction =>
  ({ values }) => {
    /** Indexes of values that no later one surpasses, so that the first is the best. */
    const candidates = new Uint32Array(values.length);
    let first = 0;
    let end = 0;
    let next = 0;
    return ({ from, to }) => {
      for (next = Math.max(next, from); next < to; next++) {
        const value = values[next]!;
        if (Number.isNaN(value)) continue;
        while (end > first && isBetter(value, values[candidates[end - 1]!]!)) end--;
        candidates[end++] = next;
      }
      while (first < end && candidates[first]! < from) first++;
      return first < end ? values[candidates[first]!]! : Number.NaN;
    };
  };

/** Each value that comes or goes moves half of the window in memory: of more of them it costs less to sort all. */
const MOST_MOVED = 500;

export const slidingQuantile: RangeFunction = ({ values }) => {
  const window = createSortedValues(values.length);
  let begin = 0;
  let end = 0;
  return ({ from, to, parameter }) => {
    if (from >= end || to - end + from - begin > MOST_MOVED) window.replace(values.subarray(from, to));
    else {
      for (; end < to; end++) window.add(values[end]!);
      for (; begin < from; begin++) window.remove(values[begin]!);
    }
    begin = from;
    end = to;
    return quantileOfSorted(parameter, window.numbers(), to - from);
  };
};

/** Numbers in their order; NaN has none, and is left out. */
function createSortedValues(capacity: number) {
  const sorted = new Float64Array(capacity);
  let count = 0;
  const indexOf = (value: number) => {
    let low = 0;
    for (let high = count; low < high; ) {
      const middle = (low + high) >> 1;
      if (isBefore(sorted[middle]!, value)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    replace: (values: Float64Array) => {
      count = 0;
      for (const value of values) if (!Number.isNaN(value)) sorted[count++] = value;
      sorted.subarray(0, count).sort();
    },
    add: (value: number) => {
      if (Number.isNaN(value)) return;
      const at = indexOf(value);
      sorted.copyWithin(at + 1, at, count++);
      sorted[at] = value;
    },
    remove: (value: number) => {
      if (Number.isNaN(value)) return;
      const at = indexOf(value);
      sorted.copyWithin(at, at + 1, count--);
    },
    numbers: () => sorted.subarray(0, count),
  };
}

/** -0 comes before 0: one must not be removed for the other. */
function isBefore(a: number, b: number): boolean {
  return a < b || (a === 0 && b === 0 && Object.is(a, -0) && !Object.is(b, -0));
}
