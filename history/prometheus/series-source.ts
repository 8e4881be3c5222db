// The samples of any store as series of the query language.

import { labelKey } from '../../core/labels.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Point, RollUpSeries, Series } from '../../core/model/sample.ts';
import { appendAll } from '../../core/numbers/extremes.ts';
import { PERIOD_MS, periodOf } from '../../core/numbers/roll-up.ts';
import { METRIC_NAME } from '../../core/promql/label-sets.ts';
import { compileMatchers } from '../../core/promql/matchers.ts';
import type { ColumnQuery, ColumnSeries, SeriesSource } from '../../core/promql/source.ts';
import { METRICS_BY_SERIES } from '../../core/series-names.ts';
import type { HistoryPorts } from '../ports.ts';
import { unlessTooMany } from '../too-many-samples.ts';
import { ALERT_SERIES, alertSeries } from './alert-series.ts';
import { type ColumnBuilder, createColumnBuilder } from './columns.ts';
import { createFailedRuns, type FailedRuns } from './failed-runs.ts';
import { pause } from './pause.ts';
import type { SampleBudget } from './sample-budget.ts';
import { addRepeats, createSlowSeries, type SlowSeries } from './slow-series.ts';
import { globsOf, nameTest } from './store-selection.ts';

/** Series names and the metrics behind them; dashboards for Prometheus expect `up`. */
export const SERIES: ReadonlyMap<string, string> = new Map([...METRICS_BY_SERIES, ['up', 'up']]);

/** About how many samples one read of the store returns. */
const SAMPLES_A_READ = 500_000;
/**
 * A read that finds more is made anew, for a shorter time: samples that do not match, and hours without any, say nothing of how
 * many come next. Roll-ups are objects, and take several times as much memory.
 */
const MOST_SAMPLES_A_READ = 2 * SAMPLES_A_READ;
const MOST_ROLL_UPS_A_READ = SAMPLES_A_READ / 2;
/** Of one metric, on a node with many mounts: how long the first read is follows from it. */
const SERIES_OF_NODE = 50;
const MOST_GROWTH = 8;

export interface SeriesSourceOptions {
  ports: Pick<HistoryPorts, 'store' | 'state' | 'config' | 'targets' | 'clock'>;
  budget: SampleBudget;
}

interface Growing {
  labels: Labels;
  columns: ColumnBuilder;
  /** Of a slow check. */
  everyMs?: number | undefined;
  /** Its newest sample of its own. */
  last?: Point;
}

/** One for each query, as its budget is that of the query. */
export async function createSeriesSource({ ports, budget }: SeriesSourceOptions): Promise<SeriesSource> {
  const [config, targets] = await Promise.all([ports.config(), ports.targets()]);
  const slow = createSlowSeries(config.checks, targets);
  // What is older may be deleted, but for its roll-ups. A Prometheus-compatible server has a retention of its own, and no roll-ups.
  const nowMs = ports.clock.nowMs();
  const rawFromMs =
    config.store.type === 'prometheus' ? -Infinity : periodOf(nowMs - config.store.retentionMs) + PERIOD_MS;

  const seriesAtMost = SERIES_OF_NODE * Math.max(1, targets.length);
  const everyMs = Math.min(60_000, ...config.checks.map((check) => check.everyMs));
  const firstReadMs = Math.max(PERIOD_MS, Math.floor(SAMPLES_A_READ / seriesAtMost) * everyMs);

  return {
    async select(query) {
      const isNamed = nameTest(query.matchers);
      const found: ColumnSeries[] = [];
      for (const [name, metric] of SERIES) {
        if (isNamed(name)) appendAll(found, await readMetric(query, name, metric));
      }
      if (ALERT_SERIES.some(isNamed)) appendAll(found, await alertSeries(ports, query, budget));
      return found;
    },
  };

  async function readMetric(query: ColumnQuery, name: string, metric: string): Promise<ColumnSeries[]> {
    const { matchers, toMs } = query;
    const matches = compileMatchers(matchers.filter((one) => one.name !== METRIC_NAME));
    const reachMs = slow.reachMs(metric);
    const fromMs = query.fromMs - reachMs;
    const where = globsOf(matchers);
    const failedRuns =
      reachMs > 0 ? createFailedRuns(ports.store, config.checks, { metric, where }) : undefined;
    const growing = createGrowingSeries({ metric, matches, slow, query, failedRuns, budget, nowMs });
    let lengthMs = firstReadMs;
    let longestMs = Infinity;
    for (let startMs = fromMs; ; ) {
      // So that the end of the query's time is seen.
      await pause();
      const isRaw = startMs >= rawFromMs;
      const endMs = Math.min(toMs, startMs + lengthMs - 1, isRaw ? Infinity : rawFromMs - 1);
      const range = { fromMs: startMs, toMs: endMs };
      const mostSamples = isRaw ? MOST_SAMPLES_A_READ : MOST_ROLL_UPS_A_READ;
      const asked = { metric, where, ...range, ...(lengthMs > PERIOD_MS && { mostSamples }) };
      const addFound = await unlessTooMany(async () => {
        if (isRaw) {
          const found = await ports.store.query(asked);
          return () => growing.addSamples(found);
        }
        const found = await ports.store.rollUps({ ...asked, fromMs: startMs - PERIOD_MS + 1 });
        return () => growing.addRollUps(found, range);
      });
      if (!addFound) {
        longestMs = Math.max(PERIOD_MS, Math.floor((endMs - startMs + 1) / MOST_GROWTH));
        lengthMs = longestMs;
        continue;
      }
      const runs = isRaw ? await failedRuns?.read(range) : 0;
      const read = addFound();
      budget.spend(read + (runs ?? 0));
      if (endMs >= toMs) return growing.finish(name);
      startMs = endMs + 1;
      lengthMs *= Math.min(MOST_GROWTH, Math.max(1 / MOST_GROWTH, SAMPLES_A_READ / (read + 1)));
      lengthMs = Math.min(longestMs, Math.max(PERIOD_MS, Math.ceil(lengthMs)));
    }
  }
}

function createGrowingSeries({
  metric,
  matches,
  slow,
  query,
  failedRuns,
  budget,
  nowMs,
}: {
  metric: string;
  matches: (labels: Labels) => boolean;
  slow: SlowSeries;
  query: ColumnQuery;
  failedRuns: FailedRuns | undefined;
  budget: SampleBudget;
  nowMs: number;
}) {
  const { fromMs, toMs } = query;
  const byKey = new Map<string, Growing>();
  /** Stores give the labels of a series as one object where they can; undefined: these do not match. */
  const byObject = new Map<Labels, Growing | undefined>();

  function of(labels: Labels): Growing | undefined {
    if (byObject.has(labels)) return byObject.get(labels);
    let one: Growing | undefined;
    if (matches(labels)) {
      const key = labelKey(labels);
      one = byKey.get(key);
      if (!one) {
        one = { labels, columns: createColumnBuilder(), everyMs: slow.intervalMs(metric, labels) };
        byKey.set(key, one);
      }
    }
    byObject.set(labels, one);
    return one;
  }

  /** Until the next sample, the end of the range, now, or a failed run. */
  function repeat({ labels, columns }: Growing, last: Point, everyMs: number, nextMs: number): void {
    const untilMs = Math.min(nextMs, nowMs + 1, failedRuns?.firstAfter(labels, last.timeMs) ?? Infinity);
    const before = columns.length;
    addRepeats(columns, last, { everyMs, fromMs, untilMs });
    budget.spend(columns.length - before);
  }

  function add(one: Growing, timeMs: number, value: number): void {
    const { last, everyMs, columns } = one;
    if (everyMs !== undefined && last) repeat(one, last, everyMs, timeMs);
    if (timeMs >= fromMs) columns.add(timeMs, value);
    if (everyMs !== undefined) one.last = { timeMs, value };
  }

  return {
    addSamples(found: readonly Series[]): number {
      let count = 0;
      for (const series of found) {
        const one = of(series.labels);
        if (!one) continue;
        const { points } = series;
        count += points.length;
        for (const { timeMs, value } of points) add(one, timeMs, value);
      }
      return count;
    },
    /** The average of each period, at its last millisecond. */
    addRollUps(found: readonly RollUpSeries[], range: { fromMs: number; toMs: number }): number {
      let count = 0;
      for (const { labels, points } of found) {
        const one = of(labels);
        if (!one) continue;
        for (const { timeMs, avg } of points) {
          const endMs = timeMs + PERIOD_MS - 1;
          if (endMs < range.fromMs || endMs > range.toMs) continue;
          count++;
          add(one, endMs, avg);
        }
      }
      return count;
    },
    finish(name: string): ColumnSeries[] {
      const series: ColumnSeries[] = [];
      for (const one of byKey.values()) {
        const { labels, columns, everyMs, last } = one;
        if (everyMs !== undefined && last) repeat(one, last, everyMs, toMs + 1);
        if (columns.length > 0) series.push(columns.finish({ ...withoutEmpty(labels), [METRIC_NAME]: name }));
      }
      return series;
    },
  };
}

/** To the query language a label that is empty is missing. */
function withoutEmpty(labels: Labels): Labels {
  const entries = Object.entries(labels);
  return entries.some(([, value]) => value === '')
    ? Object.fromEntries(entries.filter(([, value]) => value !== ''))
    : labels;
}
