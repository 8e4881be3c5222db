import type { Labels } from './model.ts';

/** Roll-ups are of periods this long; the first of all begins at the epoch. */
export const PERIOD_MS = 300_000;

/** What the samples of a series in one period come to. */
export interface RollUp {
  /** Start of the period, a multiple of `PERIOD_MS`. */
  timeMs: number;
  avg: number;
  max: number;
  /** Nearest rank. */
  p95: number;
}

export interface RollUpSeries {
  metric: string;
  labels: Labels;
  /** Periods without a sample are not there. */
  points: readonly RollUp[];
}

export function periodOf(timeMs: number): number {
  return Math.floor(timeMs / PERIOD_MS) * PERIOD_MS;
}

/** Of at least one value. */
export function rollUp(timeMs: number, values: readonly number[]): RollUp {
  let [sum, max] = [0, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    sum += value;
    if (value > max) max = value;
  }
  return { timeMs, avg: sum / values.length, max, p95: nearestRank(values, 0.95) };
}

/** The least of the values that at least that share of them does not exceed. NaN of none. */
export function nearestRank(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? Number.NaN;
}
