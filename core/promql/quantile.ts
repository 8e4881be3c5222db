import type { Span } from './ast.ts';
import type { Evaluation } from './evaluation.ts';

/** Between two values it interpolates; NaN is the smallest. Sorts `values`. */
export function quantile(q: number, values: Float64Array): number {
  if (values.length === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  values.sort();
  let numbers = values.length;
  while (numbers > 0 && Number.isNaN(values[numbers - 1])) numbers--;
  const notNumbers = values.length - numbers;
  const sorted = (index: number) => (index < notNumbers ? Number.NaN : values[index - notNumbers]!);
  const rank = q * (values.length - 1);
  const lower = Math.floor(rank);
  const upper = Math.min(values.length - 1, lower + 1);
  const weight = rank - lower;
  return sorted(lower) * (1 - weight) + sorted(upper) * weight;
}

/** Once for what is too small, and for what is too large, whatever the number of steps. */
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
