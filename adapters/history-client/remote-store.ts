import { z } from 'zod';
import { ConfigError } from '../../core/errors.ts';
import type { LabelGlobs } from '../../core/model/labels.ts';
import type { Series } from '../../core/model/sample.ts';
import type { SampleStore } from '../../core/ports.ts';
import type { HistoryClient, Query } from './client.ts';

/** One read of samples: six hours of a thousand series fit into an answer. */
const SLICE_MS = 6 * 3_600_000;
const PERIOD_MS = 300_000;
/** What an answer has at most. */
const MOST_BINS = 2_000;

const labels = z.record(z.string(), z.string());
const values = z.array(z.number().nullable()).optional();
const rangeShape = z.object({
  times: z.array(z.number()),
  series: z.array(z.object({ metric: z.string(), labels, values, avg: values, max: values })),
});
const latestShape = z.object({
  values: z.array(z.object({ metric: z.string(), labels, timeMs: z.number(), value: z.number().nullable() })),
  next: z.string().optional(),
});

export interface RemoteStore extends Pick<SampleStore, 'query' | 'latest' | 'rollUps'> {
  /** Longer reads are better cut into slices of this length. */
  sliceMs: number;
}

/** The samples of a history service, for reading. */
export function createRemoteStore(client: HistoryClient, clock: { nowMs(): number }): RemoteStore {
  return {
    sliceMs: SLICE_MS,
    async query({ metric, fromMs, toMs, where, whereNot }) {
      const found = new Map<
        string,
        { metric: string; labels: Series['labels']; points: { timeMs: number; value: number }[] }
      >();
      for (let atMs = fromMs; atMs <= toMs; atMs += SLICE_MS) {
        const range = { from: atMs, to: Math.min(toMs, atMs + SLICE_MS - 1) };
        const query = { metric, ...range, source: 'samples', ...selection(where, whereNot) };
        const { times, series } = await client.get('/v1/range', query, rangeShape);
        for (const { labels: of, values: column = [] } of series) {
          const key = JSON.stringify(of);
          const one = found.get(key) ?? { metric, labels: of, points: [] };
          found.set(key, one);
          for (const [i, timeMs] of times.entries()) {
            const value = column[i];
            if (value !== null && value !== undefined) one.points.push({ timeMs, value });
          }
        }
      }
      return [...found.values()];
    },
    async latest({ metric, sinceMs, where, whereNot }) {
      const found: Series[] = [];
      let cursor: string | undefined;
      do {
        const query = {
          metric,
          within: Math.max(1, clock.nowMs() - sinceMs),
          limit: 1_000,
          cursor,
          ...selection(where, whereNot),
        };
        const page = await client.get('/v1/latest', query, latestShape);
        for (const { metric: name, labels: of, timeMs, value } of page.values)
          if (value !== null) found.push({ metric: name, labels: of, points: [{ timeMs, value }] });
        cursor = page.next;
      } while (cursor !== undefined);
      return found;
    },
    async rollUps({ metric, fromMs, toMs, where, whereNot }) {
      const startMs = Math.ceil(fromMs / PERIOD_MS) * PERIOD_MS;
      const bins = Math.max(1, Math.ceil((toMs + 1 - startMs) / PERIOD_MS));
      if (startMs > toMs) return [];
      if (bins > MOST_BINS) throw new ConfigError('a read of roll-ups is longer than the API answers');
      const range = { from: startMs, to: startMs + bins * PERIOD_MS - 1, bins };
      const query = { metric, ...range, source: 'roll-ups', ...selection(where, whereNot) };
      const { times, series } = await client.get('/v1/range', query, rangeShape);
      return series.map(({ labels: of, avg = [], max = [] }) => ({
        metric,
        labels: of,
        points: times.flatMap((timeMs, i) => {
          const [mean, greatest] = [avg[i], max[i]];
          if (mean === null || mean === undefined || greatest === null || greatest === undefined) return [];
          // The API has no p95: it is between these.
          return [{ timeMs, avg: mean, max: greatest, p95: greatest }];
        }),
      }));
    },
  };
}

function selection(where: LabelGlobs = {}, whereNot: LabelGlobs | undefined): Query {
  if (whereNot !== undefined && Object.keys(whereNot).length > 0)
    throw new ConfigError('the API takes no labels that must not match');
  const texts = Object.entries(where).flatMap(([name, globs]) => globs.map((glob) => `${name}=${glob}`));
  return { where: texts };
}
