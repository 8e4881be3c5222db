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
