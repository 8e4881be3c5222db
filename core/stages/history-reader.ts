import { findMetric } from '../catalogue.ts';
import { createDownsampler, type Downsampler } from '../chart/downsample.ts';
import type { DrawnSeries } from '../chart/history.ts';
import { labelKey, naturalOrder } from '../labels.ts';
import type { LabelGlobs, Labels } from '../model/labels.ts';
import type { Point, Series } from '../model/sample.ts';
import { labelsText } from '../notify/summary.ts';
import { addExactly, roundedMean } from '../numbers/exact-sum.ts';
import { leastOf } from '../numbers/extremes.ts';
import { PERIOD_MS } from '../numbers/roll-up.ts';
import type { SampleStore, SeriesQuery } from '../ports.ts';

/**
 * A month of a large fleet does not fit into memory: the data are read in pieces, and downsampled at once. Pieces of an
 * hour take no longer than pieces of six hours; for 200 nodes over a week they need 240 MB instead of 450.
 */
const SLICE_MS = 3_600_000;
/**
 * Longer ranges are drawn from roll-ups: a column of a picture covers more than one, and samples may have been removed.
 */
const ROLLED_FROM_MS = 48 * 3_600_000;
/** When the data of a range begin after this share of it, the plot begins with the data. */
const EMPTY_SHARE = 0.25;

export interface DrawnRange {
  metric: string;
  fromMs: number;
  toMs: number;
  series: DrawnSeries[];
}

/** `sliceMs`: a store that is far away is read in longer pieces. */
type Reading = Pick<SampleStore, 'query' | 'rollUps'> & { sliceMs?: number };

interface RangeQuery {
  where: LabelGlobs;
  fromMs: number;
  toMs: number;
  bins: number;
  /** The interval of the metric's samples; a wider hole is a gap. */
  intervalOf: (metric: string) => number;
}

/**
 * Reads metrics for plots with that many bins, all over the same range. Leaves out metrics without series.
 * @throws RetryableError of the store
 */
export async function readDrawn(
  store: Reading,
  metrics: readonly string[],
  query: RangeQuery,
): Promise<DrawnRange[]> {
  const ranges = await readAll(store, metrics, query);
  const firsts = ranges.flatMap(({ series }) => series.map(({ segments }) => segments[0]?.[0]?.timeMs));
  const firstMs = leastOf(firsts.map((ms) => ms ?? query.toMs));
  const empty = (firstMs - query.fromMs) / (query.toMs - query.fromMs);
  if (!Number.isFinite(firstMs) || empty < EMPTY_SHARE || firstMs >= query.toMs) return ranges;
  return readAll(store, metrics, { ...query, fromMs: firstMs });
}

async function readAll(store: Reading, metrics: readonly string[], query: RangeQuery): Promise<DrawnRange[]> {
  const ranges: DrawnRange[] = [];
  for (const metric of metrics) ranges.push(await readRange(store, { metric, ...query }));
  return ranges.filter(({ series }) => series.length > 0);
}

async function readRange(store: Reading, query: RangeQuery & { metric: string }): Promise<DrawnRange> {
  const { metric, fromMs, toMs } = query;
  const rolled = toMs - fromMs > ROLLED_FROM_MS;
  const sampledMs = query.intervalOf(metric);
  const intervalMs = rolled ? Math.max(sampledMs, PERIOD_MS) : sampledMs;
  const read = rolled ? (slice: SeriesQuery) => extremesOf(store, slice) : store.query;
  const found = new Map<string, { labels: Labels; downsampler: Downsampler; newest: Point }>();
  for await (const { labels, points } of slicesOf(read, query, store.sliceMs)) {
    const newest = points.at(-1);
    if (!newest) continue;
    const key = labelKey(labels);
    const one = found.get(key) ?? {
      labels,
      downsampler: createDownsampler({ ...query, intervalMs }),
      newest,
    };
    for (const point of points) one.downsampler.add(point);
    found.set(key, { ...one, newest });
  }
  const series = [...found.values()].map(({ downsampler, ...one }) => ({
    ...one,
    segments: downsampler.segments(),
  }));
  return { metric, fromMs, toMs, series };
}

/** The summary of a series in a table. */
export interface SeriesSummary {
  metric: string;
  labels: Labels;
  newest: Point;
  least: number;
  mean: number;
  greatest: number;
  count: number;
}

/**
 * Summarises each series of a metric that has a point in the range, sorted by node.
 * @throws RetryableError of the store
 */
export async function readSummaries(
  store: Pick<Reading, 'query' | 'sliceMs'>,
  query: Pick<RangeQuery, 'where' | 'fromMs' | 'toMs'> & { metric: string },
): Promise<SeriesSummary[]> {
  const found = new Map<string, Omit<SeriesSummary, 'mean'> & { sum: number[] }>();
  for await (const { labels, points } of slicesOf(store.query, query, store.sliceMs)) {
    const key = labelKey(labels);
    for (const point of points) {
      const { value } = point;
      const one = found.get(key);
      if (one) {
        one.newest = point;
        one.least = Math.min(one.least, value);
        one.greatest = Math.max(one.greatest, value);
        addExactly(one.sum, value);
        one.count++;
      } else {
        const { metric } = query;
        found.set(key, {
          metric,
          labels,
          newest: point,
          least: value,
          greatest: value,
          sum: [value],
          count: 1,
        });
      }
    }
  }
  return [...found.values()]
    .map(({ sum, ...one }) => ({ ...one, mean: roundedMean(sum, one.count) }))
    .sort((a, b) => naturalOrder.compare(labelsText(a.labels), labelsText(b.labels)));
}

/** The average and the maximum of each period, so that a spike is visible; for a state both values where it changed. */
async function extremesOf(store: Pick<SampleStore, 'rollUps'>, query: SeriesQuery): Promise<Series[]> {
  const isState = findMetric(query.metric)?.unit === 'bool';
  return (await store.rollUps(query)).map(({ metric, labels, points }) => ({
    metric,
    labels,
    points: points.flatMap(({ timeMs, avg, max }) => [
      { timeMs, value: isState ? Math.floor(avg) : avg },
      { timeMs: timeMs + PERIOD_MS / 2, value: max },
    ]),
  }));
}

/** The store returns a series once for each slice with points of it, the oldest slice first. */
async function* slicesOf(
  read: (slice: SeriesQuery) => Promise<Series[]>,
  { metric, where, fromMs, toMs }: Pick<RangeQuery, 'where' | 'fromMs' | 'toMs'> & { metric: string },
  sliceMs = SLICE_MS,
): AsyncGenerator<Series> {
  for (let from = fromMs; from <= toMs; from += sliceMs) {
    yield* await read({ metric, where, fromMs: from, toMs: Math.min(toMs, from + sliceMs - 1) });
  }
}
