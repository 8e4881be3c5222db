import type { HourlyRollUp, RollUp } from '../model/sample.ts';
import { addExactly, meanOf, roundedMean } from './exact-sum.ts';
import { greatestOf, leastOf } from './extremes.ts';

/** Roll-ups are of periods this long; the first of all begins at the epoch. */
export const PERIOD_MS = 300_000;

export function periodOf(timeMs: number): number {
  return Math.floor(timeMs / PERIOD_MS) * PERIOD_MS;
}

export const HOUR_MS = 3_600_000;

export function hourOf(timeMs: number): number {
  return Math.floor(timeMs / HOUR_MS) * HOUR_MS;
}

/** Needs at least one value. */
export function rollUp(timeMs: number, values: readonly number[]): RollUp {
  return { timeMs, avg: meanOf(values), max: greatestOf(values), p95: nearestRank(values, 0.95) };
}

/** The roll-up of a period, for that of its hour. */
export interface HourPart extends HourlyRollUp {
  /** How many samples it is of; undefined where nobody knows. */
  samples: number | undefined;
}

/**
 * Each average counts as often as it has samples, or all the same where the number of one is unknown. Needs at least one
 * part.
 */
export function mergeRollUps(timeMs: number, parts: readonly HourPart[]): HourlyRollUp {
  const averages = parts.map(({ avg }) => avg);
  const max = greatestOf(parts.map((part) => part.max));
  const counts = parts.map(({ samples }) => samples);
  const isEven = counts.includes(undefined) || counts.every((count) => count === counts[0]);
  if (isEven) return { timeMs, avg: meanOf(averages), max };
  const sum: number[] = [];
  let count = 0;
  for (const { avg, samples = 0 } of parts) {
    addExactly(sum, avg * samples);
    count += samples;
  }
  // A product is rounded, which must not put the mean of a constant beside it.
  const avg = Math.min(greatestOf(averages), Math.max(leastOf(averages), roundedMean(sum, count)));
  return { timeMs, avg, max };
}

/** What a server computed, whose sums are rounded: without what lies beyond the least and the greatest of its values. */
export function boundedRollUp({ min, max, ...computed }: RollUp & { min: number }): RollUp {
  const bounded = (value: number) => Math.min(max, Math.max(min, value));
  return { timeMs: computed.timeMs, avg: bounded(computed.avg), max, p95: bounded(computed.p95) };
}

/** The least of the values that at least that share of them does not exceed. NaN of none. */
export function nearestRank(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? Number.NaN;
}
