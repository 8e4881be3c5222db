import type { Span } from './ast.ts';
import type { Evaluation } from './evaluation.ts';

/** Interpolates between two values; NaN is the smallest. Sorts `values`. */
export function quantile(q: number, values: Float64Array): number {
  values.sort();
  let numbers = values.length;
  while (numbers > 0 && Number.isNaN(values[numbers - 1])) numbers--;
  return quantileOfSorted(q, values.subarray(0, numbers), values.length);
}

/** The quantile of `count` values: the sorted `numbers`, and NaN. */
export function quantileOfSorted(q: number, numbers: Float64Array, count: number): number {
  if (count === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  const notNumbers = count - numbers.length;
  const sorted = (index: number) => (index < notNumbers ? Number.NaN : numbers[index - notNumbers]!);
  const rank = q * (count - 1);
  const lower = Math.floor(rank);
  const upper = Math.min(count - 1, lower + 1);
  const weight = rank - lower;
  return sorted(lower) * (1 - weight) + sorted(upper) * weight;
}

/** Warns once of quantiles that are NaN, once of those above 1, once of those below 0, whatever the number of steps. */
export function warnOfQuantiles(quantiles: Float64Array, at: Span, { warn }: Evaluation): void {
  const offences = [
    quantiles.find((q) => Number.isNaN(q)),
    quantiles.find((q) => q > 1),
    quantiles.find((q) => q < 0),
  ];
  for (const q of offences) {
    if (q !== undefined) warn(`quantile value should be between 0 and 1, got ${q}`, at);
  }
}
