// Sums of doubles without rounding, so that they do not depend on an order or a partition: a sum is kept as doubles that
// do not overlap, smallest first. Shewchuk, Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric
// Predicates, 1997 (Grow-Expansion); rounded at the end as Python's math.fsum does it, see
// https://github.com/python/cpython/blob/3.12/Modules/mathmodule.c

/** Adds a finite value in place. No intermediate sum may leave the range of doubles, which is far from what we measure. */
export function addExactly(sum: number[], value: number): void {
  let kept = 0;
  let high = value;
  for (const part of sum) {
    const isSmaller = Math.abs(high) < Math.abs(part);
    const large = isSmaller ? part : high;
    const small = isSmaller ? high : part;
    high = large + small;
    const lost = small - (high - large);
    if (lost !== 0) sum[kept++] = lost;
  }
  sum.length = kept;
  sum.push(high);
}

/** The double that is nearest to the sum; of two, the even one. 0 for none. */
export function roundedSum(sum: readonly number[]): number {
  let i = sum.length - 1;
  let high = sum[i] ?? 0;
  let lost = 0;
  while (i > 0 && lost === 0) {
    const part = sum[--i] as number;
    const before = high;
    high = before + part;
    lost = part - (high - before);
  }
  // Half a unit was lost exactly, which went to the even side; what is below may say that it was more than half.
  const below = i > 0 ? (sum[i - 1] as number) : 0;
  if ((lost < 0 && below < 0) || (lost > 0 && below > 0)) {
    const further = high + lost * 2;
    if (further - high === lost * 2) return further;
  }
  return high;
}

/** Splits a double into halves of 26 bits. Dekker, A Floating-Point Technique for Extending the Available Precision, 1971. */
const SPLITTER = 2 ** 27 + 1;

/**
 * The mean of `count` values of which this is the sum: of a constant that constant, and never beyond the least or the
 * greatest of them, which a rounded sum divided by a count is. `count` is from 1 to 2^26; magnitudes stay below 1e290.
 */
export function roundedMean(sum: readonly number[], count: number): number {
  const high = roundedSum(sum);
  const rest = [...sum];
  addExactly(rest, -high);
  return quotientOf(high, roundedSum(rest), count);
}

/** A quotient, corrected by what the division leaves of the whole sum. */
function quotientOf(high: number, low: number, count: number): number {
  const near = high / count;
  const split = near * SPLITTER;
  const nearHigh = split - (split - near);
  const product = near * count;
  const lost = nearHigh * count - product + (near - nearHigh) * count;
  return near + (high - product - lost + low) / count;
}

/** The same mean, of values; NaN of none. Two doubles hold most sums, without a list for each. */
export function meanOf(values: readonly number[]): number {
  let [high, low] = [0, 0];
  for (const value of values) {
    const nextHigh = high + value;
    const added = nextHigh - high;
    const lost = high - (nextHigh - added) + (value - added);
    const nextLow = low + lost;
    const addedLow = nextLow - low;
    if (low - (nextLow - addedLow) + (lost - addedLow) !== 0)
      return roundedMean(listed(values), values.length);
    high = nextHigh;
    low = nextLow;
  }
  const sum = high + low;
  const added = sum - high;
  return quotientOf(sum, high - (sum - added) + (low - added), values.length);
}

/** The sum of values, rounded once; 0 of none. */
export function sumOf(values: readonly number[]): number {
  return roundedSum(listed(values));
}

function listed(values: readonly number[]): number[] {
  const sum: number[] = [];
  for (const value of values) addExactly(sum, value);
  return sum;
}
