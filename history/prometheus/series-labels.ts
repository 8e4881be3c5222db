// `/api/v1/series`, `/labels` and `/label/…/values`: which series there are, without their samples.

import { findMetric, GROUP_LABELS, METRICS } from '../../core/catalogue.ts';
import { measures } from '../../core/intervals.ts';
import { labelKey } from '../../core/labels.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Matcher } from '../../core/model/silence.ts';
import { METRIC_NAME } from '../../core/promql/label-sets.ts';
import { compileMatchers } from '../../core/promql/matchers.ts';
import { QueryError } from '../../core/promql/source.ts';
import { seriesNameOf } from '../../core/series-names.ts';
import type { HistoryPorts } from '../ports.ts';
import { ALERT_SERIES, alertSeries } from './alert-series.ts';
import { limitOf, selectorsOf, timeOf } from './parameters.ts';
import { askSeries } from './pass-on.ts';
import { pause } from './pause.ts';
import type { Asked } from './queries.ts';
import { createSampleBudget } from './sample-budget.ts';
import { SERIES } from './series-source.ts';
import { globsOf, nameTest } from './store-selection.ts';

const DAY_MS = 86_400_000;
const MOST_SERIES = 100_000;
/** Each node has `up` with these. */
const OF_NODES: ReadonlySet<string> = new Set(['cluster', 'node', 'role']);
const OF_ALERTS = ['alertname', 'alertstate', 'severity'];

export interface Found<T> {
  data: T[];
  isCut: boolean;
}

/** Label sets of all series that match one of the selectors and have a sample since `start`, by default of the last day. */
export async function findSeries(asked: Asked): Promise<Found<Labels>> {
  const selectors = selectorsOf(asked.parameters);
  if (selectors.length === 0) throw new QueryError('bad_data', 'no match[] parameter provided');
  return seriesOf(asked, selectors, limitOf(asked.parameters));
}

/** Without selectors those that series of the checks in force have. */
export async function findLabelNames(asked: Asked): Promise<Found<string>> {
  const selectors = selectorsOf(asked.parameters);
  const limit = limitOf(asked.parameters);
  if (selectors.length === 0) {
    return cut([METRIC_NAME, ...OF_ALERTS, ...(await measured(asked.ports)).flatMap(labelsOf)], limit);
  }
  const { data, isCut } = await seriesOf(asked, selectors);
  return cut(
    data.flatMap((labels) => Object.keys(labels)),
    limit,
    isCut,
  );
}

/** Names of series, without selectors, are those that the checks in force measure. */
export async function findLabelValues(asked: Asked, label: string): Promise<Found<string>> {
  const selectors = selectorsOf(asked.parameters);
  const limit = limitOf(asked.parameters);
  if (selectors.length === 0 && label === METRIC_NAME) {
    const names = (await measured(asked.ports)).flatMap((metric) => seriesNameOf(metric) ?? []);
    return cut([...names, 'up', ...ALERT_SERIES], limit);
  }
  const wanted = selectors.length > 0 ? selectors : await selectorsWith(asked.ports, label);
  const { data, isCut } = await seriesOf(asked, wanted);
  const values = data.flatMap((labels) => (Object.hasOwn(labels, label) ? [labels[label] as string] : []));
  return cut(values, limit, isCut);
}

/** Selectors of series that may have the label. */
async function selectorsWith(ports: HistoryPorts, label: string): Promise<Matcher[][]> {
  const named = (value: string): Matcher[] => [{ name: METRIC_NAME, op: '=', value }];
  if (OF_NODES.has(label)) return [named('up')];
  if (OF_ALERTS.includes(label)) return ALERT_SERIES.map(named);
  const metrics = (await measured(ports)).filter((metric) => labelsOf(metric).includes(label));
  return metrics.map((metric) => named(seriesNameOf(metric) ?? metric));
}

async function seriesOf(
  { parameters, ports, signal }: Asked,
  selectors: readonly (readonly Matcher[])[],
  limit = Infinity,
): Promise<Found<Labels>> {
  const nowMs = ports.clock.nowMs();
  const startMs = timeOf(parameters, 'start', nowMs - DAY_MS);
  const endMs = timeOf(parameters, 'end', nowMs);
  if (endMs < startMs) throw new QueryError('bad_data', 'invalid parameter "end": it lies before `start`');
  const range = { startMs, endMs, signal };
  const budget = createSampleBudget(signal);
  const most = Math.min(limit, MOST_SERIES);
  const found = new Map<string, Labels>();
  for (const matchers of selectors) {
    if (found.size > most) break;
    const isNamed = nameTest(matchers);
    const { promql } = ports.store;
    const series = promql ? passedSeries(promql, matchers, range) : storedSeries(ports, matchers, startMs);
    for await (const some of series) {
      await pause();
      budget.spend(some.length);
      for (const labels of some) found.set(labelKey(labels), labels);
      if (found.size > most) break;
    }
    if (!ALERT_SERIES.some(isNamed)) continue;
    const alerts = await alertSeries(ports, { matchers, fromMs: startMs, toMs: endMs }, budget);
    for (const { labels } of alerts) found.set(labelKey(labels), labels);
  }
  return { data: [...found.values()].slice(0, most), isCut: found.size > most };
}

/** By metric, so that whoever has enough asks for no more. */
async function* storedSeries(
  { store }: HistoryPorts,
  matchers: readonly Matcher[],
  sinceMs: number,
): AsyncGenerator<Labels[]> {
  const isNamed = nameTest(matchers);
  const matches = compileMatchers(matchers.filter(({ name }) => name !== METRIC_NAME));
  for (const [name, metric] of SERIES) {
    if (!isNamed(name)) continue;
    const series = await store.latest({ metric, where: globsOf(matchers), sinceMs });
    yield series.flatMap(({ labels }) => (matches(labels) ? [{ [METRIC_NAME]: name, ...labels }] : []));
  }
}

/** As the store names them, but for `up`, which there is of what it scrapes itself. */
async function* passedSeries(
  promql: NonNullable<HistoryPorts['store']['promql']>,
  matchers: readonly Matcher[],
  range: { startMs: number; endMs: number; signal: AbortSignal },
): AsyncGenerator<Labels[]> {
  const named = await askSeries(promql, { matchers, ...range });
  yield named.filter((labels) => labels[METRIC_NAME] !== 'up');
  if (!nameTest(matchers)('up')) return;
  const others = matchers.filter(({ name }) => name !== METRIC_NAME);
  const ofUp: Matcher = { name: METRIC_NAME, op: '=', value: seriesNameOf('up') ?? '' };
  const series = await askSeries(promql, { matchers: [ofUp, ...others], ...range });
  yield series.map((labels) => ({ ...labels, [METRIC_NAME]: 'up' }));
}

/** Metrics that checks in force, or each round, measure. */
async function measured(ports: HistoryPorts): Promise<string[]> {
  const { checks } = await ports.config();
  return METRICS.map(({ name }) => name).filter((metric) => checks.some((check) => measures(check, metric)));
}

function labelsOf(metric: string): readonly string[] {
  const group = findMetric(metric)?.group;
  return group === undefined ? [] : GROUP_LABELS[group];
}

/** Each once, in order. */
function cut(names: readonly string[], limit: number, isIncomplete = false): Found<string> {
  const found = [...new Set(names)].sort();
  return { data: found.slice(0, limit), isCut: isIncomplete || found.length > limit };
}
