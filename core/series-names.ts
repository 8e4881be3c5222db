// Names of series as Prometheus' conventions have them. A Prometheus-compatible store keeps series under them, and queries use them
// over every store.

import { findMetric, METRICS } from './catalogue.ts';
import type { Unit } from './metrics/metric.ts';

/** Base units in names, as https://prometheus.io/docs/practices/naming/ has them. */
const SUFFIXES: Record<Unit, string> = {
  percent: '_percent',
  seconds: '_seconds',
  bytes: '_bytes',
  bytes_per_second: '_bytes_per_second',
  count: '',
  ratio: '_ratio',
  bool: '',
  version: '',
};

/** `bartizan_mem_usage_percent` of `mem_usage`; undefined for what the catalogue lacks. */
export function seriesNameOf(metric: string): string | undefined {
  const known = findMetric(metric);
  return known && `bartizan_${known.name}${SUFFIXES[known.unit]}`;
}

/** Metrics of the catalogue by the names of their series. */
export const METRICS_BY_SERIES: ReadonlyMap<string, string> = new Map(
  METRICS.map(({ name }) => [seriesNameOf(name) ?? name, name]),
);
