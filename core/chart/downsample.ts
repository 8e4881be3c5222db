import type { Point } from '../model/sample.ts';

/** A line is not drawn over a longer hole than this many intervals. */
export const MOST_BRIDGED_INTERVALS = 2;

export interface Downsampler {
  /** Points come in order of time; what is no number is passed over. */
  add(point: Point): void;
  /** Runs without a gap that could be seen, at most two points a bin. */
  segments(): Point[][];
}

/**
 * Keeps the least and the greatest of each bin, so that a spike of one sample is seen in a month. A hole is a gap when
 * it is longer than two intervals and wider than a bin. Takes points one by one: a long range need not be in memory.
 */
export function createDownsampler(options: {
  fromMs: number;
  toMs: number;
  bins: number;
  intervalMs: number;
}): Downsampler {
  const { fromMs, toMs, bins, intervalMs } = options;
  const binMs = Math.max(1, (toMs - fromMs) / Math.max(1, bins));
  const longestMs = Math.max(MOST_BRIDGED_INTERVALS * intervalMs, binMs);
  const done: Point[][] = [];
  let bin: { index: number; least: Point; greatest: Point } | undefined;
  let lastMs = Number.NEGATIVE_INFINITY;

  /** The two of a bin in order of time; one where they are the same. */
  function pair(): Point[] {
    if (!bin) return [];
    const { least, greatest } = bin;
    if (least === greatest) return [least];
    return least.timeMs < greatest.timeMs ? [least, greatest] : [greatest, least];
  }

  return {
    add(point) {
      if (!Number.isFinite(point.value)) return;
      const index = Math.min(bins - 1, Math.floor((point.timeMs - fromMs) / binMs));
      const gap = point.timeMs - lastMs > longestMs;
      lastMs = point.timeMs;
      if (bin && !gap && index === bin.index) {
        if (point.value < bin.least.value) bin.least = point;
        if (point.value > bin.greatest.value) bin.greatest = point;
        return;
      }
      done.at(-1)?.push(...pair());
      if (gap) done.push([]);
      bin = { index, least: point, greatest: point };
    },
    segments() {
      return done.map((segment, i) => (i === done.length - 1 ? [...segment, ...pair()] : [...segment]));
    },
  };
}
