import type { SeriesQuery } from '../../core/ports.ts';
import { unlessTooMany } from '../too-many-samples.ts';
import type { TimeRange } from './parameters.ts';

const FIRST_SLICE_MS = 3_600_000;
/** A slice with fewer points is followed by a longer one. */
const FEW_POINTS = 50_000;
/** A slice with more is not read, but a shorter one: after hours without samples there may be a whole fleet. */
const MOST_POINTS = 4 * FEW_POINTS;
const SHORTEST_SLICE_MS = 300_000;

interface Pointed {
  points: readonly unknown[];
}

/**
 * Reads a range in slices, oldest first, so that a long one of a large fleet need not be in memory: how many series there are
 * shows in the first. A series comes once for each slice with points of it. @throws the reason of the signal
 */
export async function* readSlices<T extends Pointed>(
  read: (query: SeriesQuery) => Promise<readonly T[]>,
  { fromMs, toMs, ...query }: Omit<SeriesQuery, keyof TimeRange> & TimeRange,
  signal: AbortSignal,
): AsyncGenerator<readonly T[]> {
  let lengthMs = FIRST_SLICE_MS;
  let longestMs = Infinity;
  for (let atMs = fromMs; atMs <= toMs; ) {
    signal.throwIfAborted();
    const endMs = Math.min(toMs, atMs + lengthMs - 1);
    const limit = lengthMs > SHORTEST_SLICE_MS && { mostSamples: MOST_POINTS };
    const series = await unlessTooMany(() => read({ ...query, fromMs: atMs, toMs: endMs, ...limit }));
    if (!series) {
      longestMs = Math.max(SHORTEST_SLICE_MS, Math.floor((endMs - atMs + 1) / 4));
      lengthMs = longestMs;
      continue;
    }
    yield series;
    const points = series.reduce((sum, one) => sum + one.points.length, 0);
    if (points < FEW_POINTS) lengthMs = Math.min(longestMs, 2 * lengthMs);
    atMs = endMs + 1;
  }
}
