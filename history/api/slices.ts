import type { SeriesQuery } from '../../core/ports.ts';
import type { TimeRange } from './parameters.ts';

const FIRST_SLICE_MS = 3_600_000;
/** A slice with fewer points is followed by a longer one, one with more than four times as many by a shorter one. */
const FEW_POINTS = 50_000;

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
  for (let atMs = fromMs; atMs <= toMs; ) {
    signal.throwIfAborted();
    const endMs = Math.min(toMs, atMs + lengthMs - 1);
    const series = await read({ ...query, fromMs: atMs, toMs: endMs });
    yield series;
    const points = series.reduce((sum, one) => sum + one.points.length, 0);
    if (points < FEW_POINTS) lengthMs *= 2;
    else if (points > 4 * FEW_POINTS) lengthMs = Math.max(FIRST_SLICE_MS / 4, lengthMs / 2);
    atMs = endMs + 1;
  }
}
