import { type MeterChange, meterTo } from '../core/meter.ts';
import type { OwnMetric, OwnMetricKind } from '../core/own-metrics/own-metric.ts';
import {
  type CounterName,
  type HistogramName,
  OWN_METRICS,
  type OwnMetricName,
} from '../core/own-metrics.ts';
import type { Meter } from '../core/ports.ts';

export interface LocalMeter extends Meter {
  /** The Prometheus text format, version 0.0.4; every name starts with `bartizan_`. */
  text(): string;
  /** A change that somebody else's meter handed over. */
  record(change: MeterChange): void;
  /** The sum of a counter over its label sets; 0 if it was never counted. */
  total(name: CounterName): number;
  /**
   * The value that this share of all observations does not exceed, over all label sets; within a bucket it is estimated, as
   * Prometheus does. Undefined if nothing was observed.
   */
  quantile(name: HistogramName, share: number): number | undefined;
  /** Forgets the gauges with labels, whose rules and sources may be gone; those that are not are set again within a round. */
  forgetLabelled(): void;
}

type Labels = Readonly<Record<string, string>>;

/** One label set of a metric. `counts` has the observations of each bucket; the last is for values above all bounds. */
interface Value {
  labels: Labels;
  sum: number;
  counts: number[];
}

/** The metrics of this process, in memory. Metrics that were never counted are not shown. */
export function createMeter(): LocalMeter {
  const metrics = new Map<OwnMetricName, Map<string, Value>>();

  function entryOf(name: OwnMetricName, labels: Labels): Value {
    const { labels: names, buckets = [] }: OwnMetric = OWN_METRICS[name];
    const values = metrics.get(name) ?? new Map<string, Value>();
    metrics.set(name, values);
    const key = JSON.stringify(names.map((label) => labels[label]));
    let value = values.get(key);
    if (!value) {
      value = { labels, sum: 0, counts: new Array<number>(buckets.length + 1).fill(0) };
      values.set(key, value);
    }
    return value;
  }

  const ofKind = (kind: OwnMetricKind) =>
    [...metrics].filter(([name]) => OWN_METRICS[name].kind === kind).sort(([a], [b]) => (a < b ? -1 : 1));

  function record({ kind, name, value, labels }: MeterChange): void {
    const found = entryOf(name, labels);
    const { buckets = [] }: OwnMetric = OWN_METRICS[name];
    if (kind === 'gauge') found.sum = value;
    else found.sum += value;
    if (kind !== 'histogram') return;
    const bucket = buckets.findIndex((bound) => value <= bound);
    const index = bucket < 0 ? buckets.length : bucket;
    found.counts[index] = (found.counts[index] ?? 0) + 1;
  }

  return {
    ...meterTo(record),
    record,
    text: () =>
      [...ofKind('counter'), ...ofKind('gauge'), ...ofKind('histogram')]
        .map(([name, values]) => metricText(name, [...values.values()]))
        .join(''),
    quantile: (name, share) =>
      quantileOf(OWN_METRICS[name].buckets, [...(metrics.get(name)?.values() ?? [])], share),
    forgetLabelled() {
      for (const name of metrics.keys())
        if (OWN_METRICS[name].kind === 'gauge' && OWN_METRICS[name].labels.length > 0) metrics.delete(name);
    },
    total: (name) => [...(metrics.get(name)?.values() ?? [])].reduce((all, { sum }) => all + sum, 0),
  };
}

function quantileOf(bounds: readonly number[], values: readonly Value[], share: number): number | undefined {
  const counts = [...bounds, Infinity].map((_, i) =>
    values.reduce((sum, { counts }) => sum + (counts[i] ?? 0), 0),
  );
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all === 0) return undefined;
  let below = 0;
  for (const [i, count] of counts.entries()) {
    const [from = 0, to] = [bounds[i - 1], bounds[i]];
    // Above the last bound nobody knows by how much.
    if (to === undefined) return from;
    if (below + count >= share * all) return from + ((to - from) * (share * all - below)) / count;
    below += count;
  }
  return undefined;
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details */
function metricText(name: OwnMetricName, values: readonly Value[]): string {
  const metric: OwnMetric = OWN_METRICS[name];
  const full = `bartizan_${name}`;
  const lines = values.flatMap((value) => {
    const pairs = metric.labels.map((label) => [label, value.labels[label] ?? ''] as const);
    if (metric.kind !== 'histogram') return [`${full}${labelText(pairs)} ${value.sum}`];
    let count = 0;
    const buckets = [...(metric.buckets ?? []), '+Inf'].map((bound, i) => {
      count += value.counts[i] ?? 0;
      return `${full}_bucket${labelText([...pairs, ['le', String(bound)]])} ${count}`;
    });
    return [
      ...buckets,
      `${full}_sum${labelText(pairs)} ${value.sum}`,
      `${full}_count${labelText(pairs)} ${count}`,
    ];
  });
  const help = metric.help.replaceAll('\\', '\\\\');
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${metric.kind}`, ...lines, ''].join('\n');
}

function labelText(pairs: readonly (readonly [string, string])[]): string {
  const texts = pairs.map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return texts.length === 0 ? '' : `{${texts.join(',')}}`;
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
