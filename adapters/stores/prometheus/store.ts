import { RetryableError } from '../../../core/errors.ts';
import { labelKey } from '../../../core/labels.ts';
import type { Labels, Selection } from '../../../core/model/labels.ts';
import type { Point, RollUpSeries, Sample, Series } from '../../../core/model/sample.ts';
import { appendAll } from '../../../core/numbers/extremes.ts';
import { boundedRollUp, PERIOD_MS, periodOf } from '../../../core/numbers/roll-up.ts';
import type {
  Clock,
  PromqlAnswer,
  PromqlRequest,
  RejectedSample,
  SampleStore,
  WriteResult,
} from '../../../core/ports.ts';
import { isSelected } from '../../../core/selection.ts';
import { seriesNameOf } from '../../../core/series-names.ts';
import { writeIsolating } from './isolation.ts';
import { selectorOf } from './names.ts';
import type { Refusal } from './refusals.ts';
import { createEncoder, toSeries } from './remote-write.ts';

/** How requests reach the server. Typed errors of core/errors.ts; 2xx otherwise. */
export interface PrometheusApi {
  /** Undefined where all was taken; else nothing need have been. */
  write(body: Uint8Array): Promise<Refusal | undefined>;
  /** Form parameters of the query API; returns `data` of the answer. */
  query(
    path: '/api/v1/query' | '/api/v1/query_range',
    parameters: Record<string, string>,
  ): Promise<QueryData>;
  /** Passes a request on: see `SampleStore.promql`. */
  ask?(request: PromqlRequest): Promise<PromqlAnswer>;
}

export interface QueryData {
  resultType: string;
  result: { metric: Record<string, string>; values: [seconds: number, value: string][] }[];
}

/** Points of a series that a range query may have: https://prometheus.io/docs/prometheus/latest/querying/api/ */
const MOST_STEPS = 10_000;

/**
 * Values that are written again have the time of their round and a millisecond more. Rounds are at whole seconds, so that the
 * time alone tells them from samples, whatever the intervals of checks are or were: what we read leaves them out.
 */
const REPEAT_MS = 1;

/**
 * Samples in a Prometheus-compatible server, by remote write and PromQL. Writing is idempotent; what is there already
 * with another value stays, and counts as a duplicate. Retention is the server's, and so are roll-ups: they are
 * computed when they are asked for, p95 by interpolation.
 */
export function createPrometheusStore(api: PrometheusApi, clock: Clock): SampleStore {
  const encoding = createEncoder();

  /** Raw points: a range vector as an instant query. A range query would fill gaps, and gaps matter here. */
  async function rawSeries(query: Selection & { metric: string; fromMs: number; toMs: number }) {
    const { metric, fromMs, toMs } = query;
    const name = seriesNameOf(metric);
    if (name === undefined || toMs < fromMs) return [];
    // Versions differ in whether the range includes its older end: one more millisecond, and a filter below.
    const range = `${selectorOf(name, query)}[${toMs - fromMs + 1}ms]`;
    const data = await api.query('/api/v1/query', { query: range, time: secondsOf(toMs) });
    return data.result.flatMap(({ metric: labels, values }): Series[] => {
      const points = pointsOf(values).filter(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs);
      const own = ownLabels(labels);
      const wanted = points.length > 0 && isSelected(query, own);
      return wanted ? [{ metric, labels: own, points }] : [];
    });
  }

  async function rolled(name: string, query: Parameters<SampleStore['rollUps']>[0], how: string) {
    const { fromMs, toMs } = query;
    const found = new Map<string, { labels: Labels; values: Map<number, number> }>();
    const first = periodOf(fromMs + PERIOD_MS - 1);
    for (let startMs = first; startMs <= toMs; startMs += MOST_STEPS * PERIOD_MS) {
      const endMs = Math.min(periodOf(toMs), startMs + (MOST_STEPS - 1) * PERIOD_MS);
      // At a period's last millisecond, looking back over the whole of it.
      const data = await api.query('/api/v1/query_range', {
        query: how.replace('$', `${selectorOf(name, query)}[${PERIOD_MS}ms]`),
        start: secondsOf(startMs + PERIOD_MS - 1),
        end: secondsOf(endMs + PERIOD_MS - 1),
        step: String(PERIOD_MS / 1000),
      });
      for (const { metric, values } of data.result) {
        const labels = ownLabels(metric);
        if (!isSelected(query, labels)) continue;
        const key = labelKey(labels);
        const one = found.get(key) ?? { labels, values: new Map<number, number>() };
        found.set(key, one);
        for (const { timeMs, value } of pointsOf(values)) one.values.set(periodOf(timeMs), value);
      }
    }
    return found;
  }

  return {
    refusesLate: true,
    async write(samples): Promise<WriteResult> {
      const { fine, rejected } = sort(samples);
      const series = toSeries(fine, (metric) => seriesNameOf(metric) as string);
      const encode = await encoding;
      const refused = await writeIsolating(series, (some) => api.write(encode(some)));
      let duplicates = 0;
      for (const { series: one, reason, cause } of refused) {
        if (cause === 'duplicate') duplicates += one.source.length;
        else
          appendAll(
            rejected,
            one.source.map((sample) => ({ sample, reason, cause })),
          );
      }
      return { written: samples.length - rejected.length - duplicates, duplicates, rejected };
    },
    async repeat(samples) {
      const { fine } = sort(samples);
      const later = fine.map((sample) => ({ ...sample, timeMs: sample.timeMs + REPEAT_MS }));
      const series = toSeries(later, (metric) => seriesNameOf(metric) as string);
      const encode = await encoding;
      const refused = await writeIsolating(series, (some) => api.write(encode(some)));
      return refused.reduce((count, { series: one }) => count - one.source.length, later.length);
    },
    query: rawSeries,
    async latest({ sinceMs, ...query }) {
      const series = await rawSeries({ ...query, fromMs: sinceMs, toMs: clock.nowMs() });
      return series.map((one) => ({ ...one, points: one.points.slice(-1) }));
    },
    async rollUps(query): Promise<RollUpSeries[]> {
      const name = seriesNameOf(query.metric);
      if (name === undefined) return [];
      const [avg, min, max, p95] = await Promise.all(
        ['avg_over_time($)', 'min_over_time($)', 'max_over_time($)', 'quantile_over_time(0.95, $)'].map(
          (how) => rolled(name, query, how),
        ),
      );
      return [...(avg ?? [])].map(([key, { labels, values }]) => ({
        metric: query.metric,
        labels,
        points: [...values].map(([timeMs, avg]) => {
          const [lowest, highest, rank] = [min, max, p95].map(
            (of) => of?.get(key)?.values.get(timeMs) ?? avg,
          );
          return boundedRollUp({ timeMs, avg, min: lowest ?? avg, max: highest ?? avg, p95: rank ?? avg });
        }),
      }));
    },
    ...(api.ask && { promql: api.ask }),
    rollUp: async () => 0,
    prune: async () => 0,
    close: async () => {},
  };
}

function sort(samples: readonly Sample[]) {
  const rejected: RejectedSample[] = [];
  const fine = samples.filter((sample) => {
    const reason = rejection(sample);
    if (reason !== undefined) rejected.push({ sample, reason, cause: 'invalid' });
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

/** Samples of a series, without repeats. Some servers keep two values at a time: the first counts. */
function pointsOf(values: readonly [number, string][]): Point[] {
  const points: Point[] = [];
  for (const [seconds, text] of values) {
    const [timeMs, value] = [Math.round(seconds * 1000), Number(text)];
    if (timeMs % 1000 === REPEAT_MS) continue;
    if (points.at(-1)?.timeMs !== timeMs && Number.isFinite(value)) points.push({ timeMs, value });
  }
  return points;
}

function secondsOf(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function isSeries(one: Partial<QueryData['result'][number]> | null): boolean {
  return typeof one?.metric === 'object' && one.metric !== null && Array.isArray(one.values);
}

/** Parses an answer and checks what is used of it. @throws RetryableError for other answers */
export function dataOf(body: string, what: string): QueryData {
  let answer: { status?: unknown; data?: QueryData; error?: unknown } | null;
  try {
    answer = JSON.parse(body);
  } catch (cause) {
    throw new RetryableError(`${what} answered no JSON`, { cause });
  }
  const { status, data, error } = answer ?? {};
  if (status !== 'success' || !Array.isArray(data?.result) || !data.result.every(isSeries)) {
    throw new RetryableError(`${what} answered: ${String(error ?? 'no result')}`);
  }
  return data;
}
