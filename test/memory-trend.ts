// Decides whether memory grows from round to round. Arithmetic only.
import { median } from './bench/harness.ts';

export interface Reading {
  /** The number of complete rounds at that time. */
  rounds: number;
  bytes: number;
}

/** Bytes a round: the most likely growth, and a bound that the true growth exceeds with a certainty of 99.5 %. */
export interface Growth {
  likely: number;
  least: number;
}

/** 99 % of a normal distribution lie within this many standard deviations. */
const Z = 2.576;

/**
 * The estimate of Theil and Sen: the median slope of all pairs of readings, and a bound after Kendall. A step, or single
 * readings that are far off, hardly move it, so load on the machine does not look like growth.
 */
export function growthOf(readings: readonly Reading[]): Growth {
  const slopes = slopesOf(readings, readings.length);
  const n = readings.length;
  const spread = Z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const rank = Math.floor((slopes.length - spread) / 2);
  // Too few readings prove nothing.
  return { likely: median(slopes), least: slopes[rank] ?? Number.NEGATIVE_INFINITY };
}

/** Readings are neighbours up to this distance: a step lies between few neighbours, a leak between most of them. */
const NEAR = 5;

/** Bytes a round, for memory that also grows by steps: the median slope of readings that are neighbours. */
export function steadyGrowthOf(readings: readonly Reading[]): number {
  return median(slopesOf(readings, NEAR));
}

/** In ascending order. */
function slopesOf(readings: readonly Reading[], distance: number): number[] {
  return readings
    .flatMap((a, i) =>
      readings
        .slice(i + 1, i + 1 + distance)
        .filter((b) => b.rounds > a.rounds)
        .map((b) => (b.bytes - a.bytes) / (b.rounds - a.rounds)),
    )
    .sort((a, b) => a - b);
}
