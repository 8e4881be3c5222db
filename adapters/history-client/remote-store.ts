import { z } from 'zod';
import { ConfigError, PermanentError } from '../../core/errors.ts';
import type { LabelGlobs } from '../../core/model/labels.ts';
import type { Series } from '../../core/model/sample.ts';
import { PERIOD_MS } from '../../core/numbers/roll-up.ts';
import type { SampleStore } from '../../core/ports.ts';
import type { HistoryClient, Query } from './client.ts';

/** One read of samples: six hours of a thousand series fit into an answer. */
const SLICE_MS = 6 * 3_600_000;
/** What the API allows in an answer. */
const MOST_BINS = 2_000;
const VALUES_OF_PAGE = 1_000;
/** A million values: a server that names further pages for ever ends the command, not its memory. */
const MOST_PAGES = 1_000;

const labels = z.record(z.string(), z.string());
const column = z.array(z.number().nullable()).optional();
const rangeShape = z.object({
  times: z.array(z.number()),
  series: z.array(z.object({ metric: z.string(), labels, values: column, avg: column, max: column })),
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
        for (const { labels: of, values = [] } of series) {
          const key = JSON.stringify(of);
          const one = found.get(key) ?? { metric, labels: of, points: [] };
          found.set(key, one);
          for (const [i, timeMs] of times.entries()) {
            const value = values[i];
            if (value !== null && value !== undefined) one.points.push({ timeMs, value });
          }
        }
      }
      return [...found.values()];
    },
    async latest({ metric, sinceMs, where, whereNot }) {
      const found: Series[] = [];
      const within = Math.max(1, clock.nowMs() - sinceMs);
      let cursor: string | undefined;
      for (let page = 0; page < MOST_PAGES; page++) {
        const query = { metric, within, limit: VALUES_OF_PAGE, cursor, ...selection(where, whereNot) };
        const { values, next } = await client.get('/v1/latest', query, latestShape);
        for (const { metric: name, labels: of, timeMs, value } of values)
          if (value !== null) found.push({ metric: name, labels: of, points: [{ timeMs, value }] });
        if (next === undefined) return found;
        cursor = next;
      }
      throw new PermanentError(
        `the API answered more than ${MOST_PAGES * VALUES_OF_PAGE} values; ask for less`,
      );
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
