import { PermanentError, RetryableError } from '../../../core/errors.ts';
import { appendAll } from '../../../core/extremes.ts';
import { labelKey, labelsMatch } from '../../../core/labels.ts';
import type { LabelGlobs, Labels, Point, Sample, Series } from '../../../core/model.ts';
import type { Clock, SampleStore, WriteResult } from '../../../core/ports.ts';
import { PERIOD_MS, periodOf, type RollUpSeries } from '../../../core/roll-up.ts';
import { selectorOf, seriesNameOf } from './names.ts';
import { createEncoder, toSeries, type WrittenSeries } from './remote-write.ts';

/** How requests reach the server. Typed errors of core/errors.ts; 2xx otherwise. */
export interface PrometheusApi {
  write(body: Uint8Array): Promise<void>;
  /** Form parameters of the query API; returns `data` of the answer. */
  query(
    path: '/api/v1/query' | '/api/v1/query_range',
    parameters: Record<string, string>,
  ): Promise<QueryData>;
}

export interface QueryData {
  resultType: string;
  result: { metric: Record<string, string>; values: [seconds: number, value: string][] }[];
}

/** Series in one write request: about 200 KB, under the limits of hosted servers. */
const SERIES_A_REQUEST = 2_000;
/** Requests that look for what a server refuses; what is still unclear after them is refused as a whole. */
const MOST_HALVINGS = 64;
/** Points of a series that a range query may have: https://prometheus.io/docs/prometheus/latest/querying/api/ */
const MOST_STEPS = 10_000;

/**
 * Samples in a Prometheus-compatible server, by remote write and PromQL. Writing is idempotent; what is there already
 * with another value stays, and counts as a duplicate. Retention is the server's, and so are roll-ups: they are
 * computed when they are asked for, p95 by interpolation.
 */
export function createPrometheusStore(api: PrometheusApi, clock: Clock): SampleStore {
  const encoding = createEncoder();

  /** Writes series; those that the server will never take are returned with its words. @throws RetryableError */
  async function send(series: readonly WrittenSeries[], tries: { left: number }): Promise<Refused[]> {
    if (series.length === 0) return [];
    try {
      const encode = await encoding;
      await api.write(encode(series));
      return [];
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error;
      if (series.length === 1 || tries.left <= 0)
        return series.map((one) => ({ series: one, reason: error.message }));
      tries.left -= 2;
      const half = series.length >> 1;
      return [...(await send(series.slice(0, half), tries)), ...(await send(series.slice(half), tries))];
    }
  }

  /** Raw points: a range vector as an instant query. A range query would fill gaps, and gaps matter here. */
  async function rawSeries(query: {
    metric: string;
    where?: LabelGlobs | undefined;
    fromMs: number;
    toMs: number;
  }) {
    const { metric, where, fromMs, toMs } = query;
    const name = seriesNameOf(metric);
    if (name === undefined || toMs < fromMs) return [];
    // The range's older end is open or closed depending on the version: one more millisecond, then looked at.
    const range = `${selectorOf(name, where)}[${toMs - fromMs + 1}ms]`;
    const data = await api.query('/api/v1/query', { query: range, time: secondsOf(toMs) });
    return data.result.flatMap(({ metric: labels, values }): Series[] => {
      const points = pointsOf(values).filter(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs);
      const own = ownLabels(labels);
      const wanted = points.length > 0 && (!where || labelsMatch(where, own));
      return wanted ? [{ metric, labels: own, points }] : [];
    });
  }

  async function rolled(name: string, query: Parameters<SampleStore['rollUps']>[0], how: string) {
    const { where, fromMs, toMs } = query;
    const found = new Map<string, { labels: Labels; values: Map<number, number> }>();
    const first = periodOf(fromMs + PERIOD_MS - 1);
    for (let startMs = first; startMs <= toMs; startMs += MOST_STEPS * PERIOD_MS) {
      const endMs = Math.min(periodOf(toMs), startMs + (MOST_STEPS - 1) * PERIOD_MS);
      // At a period's last millisecond, looking back over the whole of it.
      const data = await api.query('/api/v1/query_range', {
        query: how.replace('$', `${selectorOf(name, where)}[${PERIOD_MS}ms]`),
        start: secondsOf(startMs + PERIOD_MS - 1),
        end: secondsOf(endMs + PERIOD_MS - 1),
        step: String(PERIOD_MS / 1000),
      });
      for (const { metric, values } of data.result) {
        const labels = ownLabels(metric);
        if (where && !labelsMatch(where, labels)) continue;
        const key = labelKey(labels);
        const one = found.get(key) ?? { labels, values: new Map<number, number>() };
        found.set(key, one);
        for (const { timeMs, value } of pointsOf(values)) one.values.set(periodOf(timeMs), value);
      }
    }
    return found;
  }

  return {
    async write(samples): Promise<WriteResult> {
      const { fine, rejected } = sort(samples);
      const series = toSeries(fine, (metric) => seriesNameOf(metric) as string);
      const refused: Refused[] = [];
      const tries = { left: MOST_HALVINGS };
      for (let at = 0; at < series.length; at += SERIES_A_REQUEST) {
        appendAll(refused, await send(series.slice(at, at + SERIES_A_REQUEST), tries));
      }
      let duplicates = 0;
      for (const { series: one, reason } of refused) {
        if (/duplicate/i.test(reason)) duplicates += one.source.length;
        else
          appendAll(
            rejected,
            one.source.map((sample) => ({ sample, reason })),
          );
      }
      return { written: samples.length - rejected.length - duplicates, duplicates, rejected };
    },
    query: rawSeries,
    async latest({ metric, where, sinceMs }) {
      const series = await rawSeries({ metric, where, fromMs: sinceMs, toMs: clock.nowMs() });
      return series.map((one) => ({ ...one, points: one.points.slice(-1) }));
    },
    async rollUps(query): Promise<RollUpSeries[]> {
      const name = seriesNameOf(query.metric);
      if (name === undefined) return [];
      const [avg, max, p95] = await Promise.all(
        ['avg_over_time($)', 'max_over_time($)', 'quantile_over_time(0.95, $)'].map((how) =>
          rolled(name, query, how),
        ),
      );
      return [...(avg ?? [])].map(([key, { labels, values }]) => ({
        metric: query.metric,
        labels,
        points: [...values].map(([timeMs, value]) => ({
          timeMs,
          avg: value,
          max: max?.get(key)?.values.get(timeMs) ?? value,
          p95: p95?.get(key)?.values.get(timeMs) ?? value,
        })),
      }));
    },
    rollUp: async () => 0,
    prune: async () => 0,
    close: async () => {},
  };
}

interface Refused {
  series: WrittenSeries;
  reason: string;
}

function sort(samples: readonly Sample[]) {
  const rejected: { sample: Sample; reason: string }[] = [];
  const fine = samples.filter((sample) => {
    const reason = rejection(sample);
    if (reason !== undefined) rejected.push({ sample, reason });
    return reason === undefined;
  });
  return { fine, rejected };
}

function rejection({ metric, timeMs, value }: Sample): string | undefined {
  if (seriesNameOf(metric) === undefined) return 'the catalogue has no such metric';
  if (!Number.isFinite(value)) return 'its value is not a finite number';
  if (!Number.isSafeInteger(timeMs)) return 'its time is not a whole number of milliseconds';
  return undefined;
}

function ownLabels({ __name__: _name, ...labels }: Record<string, string>): Labels {
  return labels;
}

/** Of two values at a time, which some servers keep, the first. */
function pointsOf(values: readonly [number, string][]): Point[] {
  const points: Point[] = [];
  for (const [seconds, text] of values) {
    const [timeMs, value] = [Math.round(seconds * 1000), Number(text)];
    if (points.at(-1)?.timeMs !== timeMs && Number.isFinite(value)) points.push({ timeMs, value });
  }
  return points;
}

function secondsOf(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/** What the server's answer says, checked as far as it is used. @throws RetryableError for anything else */
export function dataOf(body: string, what: string): QueryData {
  let answer: { status?: unknown; data?: QueryData; error?: unknown };
  try {
    answer = JSON.parse(body);
  } catch (cause) {
    throw new RetryableError(`${what} answered no JSON`, { cause });
  }
  if (answer.status !== 'success' || !Array.isArray(answer.data?.result)) {
    throw new RetryableError(`${what} answered: ${String(answer.error ?? 'no result')}`);
  }
  return answer.data;
}
