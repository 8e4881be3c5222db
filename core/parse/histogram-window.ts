import { type Histogram, increaseBetween } from './histogram.ts';

/** A histogram at one time. Plain data. */
export interface HistogramReading {
  atMs: number;
  /** The count of each bucket. The last reading has the bounds. */
  counts: readonly number[];
}

/** Readings of one histogram, the oldest first. Plain data: all bounds but the infinite one, which JSON cannot hold. */
export interface HistogramWindow {
  bounds: readonly number[];
  readings: readonly HistogramReading[];
}

/** A percentile over one round jumps with each slow observation. */
const SPAN_MS = 5 * 60_000;
/** Older readings are kept this far apart, so that short intervals keep no more than long ones. */
const APART_MS = SPAN_MS / 10;

/**
 * Adds a reading, and returns what was observed over about five minutes: since the newest earlier reading that is at least
 * so old, or the oldest that there is. Readings of before a new start of the counters are dropped, and so are those that an
 * outage of ours made too old. Without an earlier reading there is no increase.
 */
export function advanceWindow(
  before: HistogramWindow | undefined,
  histogram: Histogram,
  time: { atMs: number; everyMs: number },
): { increase: Histogram | undefined; window: HistogramWindow } {
  const { atMs, everyMs } = time;
  const bounds = histogram.bounds.slice(0, -1);
  const oldestMs = atMs - Math.max(2 * SPAN_MS, 3 * everyMs);
  const usable: HistogramReading[] = [];
  for (const reading of (before?.readings ?? []).toReversed()) {
    if (reading.atMs < oldestMs) break;
    const earlier = {
      bounds: before ? [...before.bounds, Number.POSITIVE_INFINITY] : [],
      counts: reading.counts,
    };
    if (reading.atMs >= atMs) continue;
    if (increaseBetween(earlier, histogram) === undefined) break;
    usable.unshift(reading);
    if (reading.atMs <= atMs - SPAN_MS) break;
  }
  const [base] = usable;
  const now = { atMs, counts: histogram.counts };
  return {
    increase: base && increaseBetween({ bounds: histogram.bounds, counts: base.counts }, histogram),
    window: { bounds, readings: [...spaced(usable), now] },
  };
}

function spaced(readings: readonly HistogramReading[]): HistogramReading[] {
  const kept: HistogramReading[] = [];
  for (const reading of readings) {
    const last = kept.at(-1);
    if (last === undefined || reading.atMs - last.atMs >= APART_MS) kept.push(reading);
  }
  return kept;
}

const MOST_READINGS = 64;

/** Whether what was kept, maybe by another release, has this shape. */
export function isHistogramWindow(value: unknown): value is HistogramWindow {
  const { bounds, readings } = (value ?? {}) as Partial<Record<keyof HistogramWindow, unknown>>;
  const areNumbers = (list: unknown): list is number[] => Array.isArray(list) && list.every(Number.isFinite);
  return (
    areNumbers(bounds) &&
    Array.isArray(readings) &&
    readings.length <= MOST_READINGS &&
    readings.every(
      (reading) =>
        typeof reading === 'object' &&
        reading !== null &&
        Number.isSafeInteger((reading as HistogramReading).atMs) &&
        areNumbers((reading as HistogramReading).counts) &&
        (reading as HistogramReading).counts.length === bounds.length + 1,
    )
  );
}
