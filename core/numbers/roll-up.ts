import type { RollUp } from '../model/sample.ts';
import { meanOf } from './exact-sum.ts';
import { greatestOf } from './extremes.ts';

/** Roll-ups are of periods this long; the first of all begins at the epoch. */
export const PERIOD_MS = 300_000;

export function periodOf(timeMs: number): number {
  return Math.floor(timeMs / PERIOD_MS) * PERIOD_MS;
}

/** Needs at least one value. */
export function rollUp(timeMs: number, values: readonly number[]): RollUp {
  return { timeMs, avg: meanOf(values), max: greatestOf(values), p95: nearestRank(values, 0.95) };
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
