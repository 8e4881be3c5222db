import type { Series } from '../model/sample.ts';
import type { SampleStore, SeriesQuery } from '../ports.ts';
import type { Coverage } from './coverage.ts';
import { BacktestTooLargeError } from './limits.ts';

/** Samples of one query that are in memory at once, about: 22 MB as objects. */
const MOST_SAMPLES = 300_000;
const FIRST_SLICE_MS = 3_600_000;
const SHORTEST_SLICE_MS = 5 * 60_000;
/** Rules with a long window read it again in each slice; beyond this a slice of many nodes would be too large. */
const LONGEST_SLICE_MS = 24 * 3_600_000;

export interface SliceReader {
  /** The store that a slice is read through: it counts, and marks which times have samples. */
  store: Pick<SampleStore, 'query'>;
  /** How long the next slice is, after what the last one read. */
  nextMs(): number;
  samples(): number;
}

export interface SliceLimits {
  /** More are a BacktestTooLargeError. Default: no limit. */
  mostSamples?: number | undefined;
  /** Default: a day. */
  longestSliceMs?: number | undefined;
}

/**
 * Reads history in slices of about as many samples, however large the fleet is. @param lookBackMs how far the longest window
 * of a rule reaches back
 */
export function createSliceReader(
  store: Pick<SampleStore, 'query'>,
  {
    coverage,
    lookBackMs,
    mostSamples = Infinity,
    longestSliceMs = LONGEST_SLICE_MS,
  }: { coverage?: Coverage; lookBackMs: number } & SliceLimits,
): SliceReader {
  let samples = 0;
  let largest = 0;
  let sliceMs = 0;
  let ups: { fromMs: number; toMs: number; series: readonly Series[] } | undefined;
  return {
    store: {
      async query(query: SeriesQuery) {
        const { fromMs, toMs } = query;
        // Older samples than those that are asked for change no verdict.
        if (isAllUps(query) && ups && ups.toMs === toMs && ups.fromMs <= fromMs) return [...ups.series];
        // A store may make points anew whenever they are read: here they are made once.
        const found = (await store.query(query)).map(({ metric, labels, points }) => ({
          metric,
          labels,
          points,
        }));
        const read = found.reduce((sum, { points }) => sum + points.length, 0);
        samples += read;
        largest = Math.max(largest, read);
        if (samples > mostSamples) throw new BacktestTooLargeError(mostSamples);
        coverage?.add(found);
        if (isAllUps(query)) ups = { fromMs, toMs, series: found };
        return found;
      },
    },
    nextMs() {
      const least = Math.max(SHORTEST_SLICE_MS, Math.min(lookBackMs, LONGEST_SLICE_MS / 4));
      const fitting =
        sliceMs === 0 ? FIRST_SLICE_MS : sliceMs * Math.min(2, MOST_SAMPLES / Math.max(1, largest));
      sliceMs = Math.min(longestSliceMs, Math.max(least, Math.floor(fitting)));
      largest = 0;
      return sliceMs;
    },
    samples: () => samples,
  };
}

/** What every rule reads, and a rule on `up` once more. */
function isAllUps({ metric, where = {}, whereNot, everyMs }: SeriesQuery): boolean {
  return metric === 'up' && Object.keys(where).length === 0 && !whereNot && everyMs === undefined;
}
