import type { Labels } from './labels.ts';

export interface Sample {
  metric: string;
  labels: Labels;
  timeMs: number;
  value: number;
}

export interface Point {
  timeMs: number;
  value: number;
}

/**
 * The samples of one metric and label set, ascending in time, one point a time. A store may make the points anew each time
 * that somebody reads the property: read it once.
 */
export interface Series {
  metric: string;
  labels: Labels;
  points: readonly Point[];
}

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

/** What the samples of a series in one hour come to. `timeMs` is its start, a whole hour since the epoch. */
export type HourlyRollUp = Omit<RollUp, 'p95'>;

export interface HourlySeries {
  metric: string;
  labels: Labels;
  /** Hours without a sample are not there. */
  points: readonly HourlyRollUp[];
}
