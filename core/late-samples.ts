// Samples that came too late for the sample store, kept beside it for the rules that still evaluate their times.

import { labelKey } from './labels.ts';
import type { Labels } from './model/labels.ts';
import type { Point, Sample, Series } from './model/sample.ts';

/** Kept with state, a part of the port `StateStore`. */
export interface LateSamples {
  /**
   * Keeps samples until they expire. Of (metric, labels, time) the first that was kept wins, so it is safe to repeat.
   * @throws RetryableError
   */
  putLateSamples(kept: {
    /** Name of the shard that evaluates them. */
    shard: string;
    samples: readonly Sample[];
    nowMs: number;
    expiresAtMs: number;
  }): Promise<void>;
  /**
   * Those of a metric in a range, inclusive at both ends. `isCut`: there is more than `MOST_RECORDS` hold, and the oldest are
   * left out.
   */
  lateSamples(query: LateQuery): Promise<{ series: Series[]; isCut: boolean }>;
}

export interface LateQuery {
  shard: string;
  metric: string;
  fromMs: number;
  toMs: number;
}

/** Most records of a metric in a query: 2,000 messages of a hundred nodes. The limit bounds an evaluation's memory. */
export const MOST_RECORDS = 2_000;

/** What is kept together: of one call, metric and time. */
export interface LateRecord {
  metric: string;
  timeMs: number;
  entries: readonly (readonly [Labels, number])[];
}

export function lateRecords(samples: readonly Sample[]): LateRecord[] {
  const groups = Map.groupBy(samples, ({ metric, timeMs }) => `${metric} ${timeMs}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const entries = group.map(({ labels, value }): [Labels, number] => [labels, value]);
    return [{ metric: first.metric, timeMs: first.timeMs, entries }];
  });
}

/** `records` of one metric in the order in which they were kept. */
export function lateSeries(metric: string, records: readonly Omit<LateRecord, 'metric'>[]): Series[] {
  const single = records.flatMap(({ timeMs, entries }) =>
    entries.map(([labels, value]): Series => ({ metric, labels, points: [{ timeMs, value }] })),
  );
  return mergeSeries([], single);
}

/** All points of both; of one time the first. */
export function mergeSeries(first: readonly Series[], second: readonly Series[]): Series[] {
  if (second.length === 0) return [...first];
  const found = new Map<string, { series: Series; points: Map<number, Point> }>();
  for (const series of [...first, ...second]) {
    const key = `${series.metric} ${labelKey(series.labels)}`;
    const one = found.get(key) ?? { series, points: new Map<number, Point>() };
    found.set(key, one);
    for (const point of series.points) if (!one.points.has(point.timeMs)) one.points.set(point.timeMs, point);
  }
  return [...found.values()].map(({ series, points }) => ({
    ...series,
    points: [...points.values()].sort((a, b) => a.timeMs - b.timeMs),
  }));
}
