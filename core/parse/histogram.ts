import { parseExposedNumber } from './exposed-number.ts';
import type { ExposedSample } from './exposition.ts';

/** A cumulative histogram: upper bounds in order, the last one infinite, and how many observations were at or below each. */
export interface Histogram {
  bounds: readonly number[];
  counts: readonly number[];
}

const MOST_BUCKETS = 200;

/** Joins the `_bucket` series of one histogram, over all other labels; undefined: they are none, or lack a bucket. */
export function histogramOf(samples: readonly ExposedSample[], bucketName: string): Histogram | undefined {
  const buckets = new Map<number, number>();
  for (const { name, labels, value } of samples) {
    if (name !== bucketName) continue;
    const bound = parseExposedNumber(labels.le ?? '');
    if (bound === undefined || Number.isNaN(bound) || !(value >= 0 && value < Number.POSITIVE_INFINITY))
      return undefined;
    buckets.set(bound, (buckets.get(bound) ?? 0) + value);
  }
  const bounds = [...buckets.keys()].sort((a, b) => a - b);
  if (bounds.length < 2 || bounds.length > MOST_BUCKETS || bounds.at(-1) !== Number.POSITIVE_INFINITY)
    return undefined;
  return { bounds, counts: bounds.map((bound) => buckets.get(bound) ?? 0) };
}

/** What was observed between two readings; undefined: the later one began anew, or has other buckets. */
export function increaseBetween(earlier: Histogram, later: Histogram): Histogram | undefined {
  const { bounds } = later;
  if (earlier.bounds.length !== bounds.length || bounds.some((bound, i) => bound !== earlier.bounds[i]))
    return undefined;
  const counts = later.counts.map((count, i) => count - (earlier.counts[i] ?? 0));
  return counts.every((count) => count >= 0) ? { bounds, counts } : undefined;
}

/**
 * A quantile as `histogram_quantile` of Prometheus computes it for 0 < q < 1: linear within the bucket that has it, the lower
 * bound of the last bucket if it is there. Undefined: nothing was observed.
 * https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
 */
export function histogramQuantile(q: number, { bounds, counts }: Histogram): number | undefined {
  const rising = cumulated(counts);
  const total = rising.at(-1) ?? 0;
  if (total === 0) return undefined;
  const rank = q * total;
  const last = bounds.length - 1;
  const at = rising.findIndex((count) => count >= rank);
  if (at === last) return bounds[last - 1];
  const upper = bounds[at] as number;
  if (at === 0 && upper <= 0) return upper;
  const lower = at === 0 ? 0 : (bounds[at - 1] as number);
  const below = at === 0 ? 0 : (rising[at - 1] as number);
  return lower + (upper - lower) * ((rank - below) / ((rising[at] as number) - below));
}

/** Buckets that were read one after the other may not be cumulative; Prometheus corrects them like this. */
function cumulated(counts: readonly number[]): number[] {
  let most = 0;
  return counts.map((count) => {
    most = Math.max(most, count);
    return most;
  });
}
