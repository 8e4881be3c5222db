import type { OwnMetricKind } from './own-metrics/own-metric.ts';
import type { OwnMetricName } from './own-metrics.ts';
import type { Meter } from './ports.ts';

/** A change of a metric: `value` is added to a counter, replaces a gauge, or is observed by a histogram. */
export interface MeterChange {
  kind: OwnMetricKind;
  name: OwnMetricName;
  value: number;
  labels: Readonly<Record<string, string>>;
}

/** A meter that hands every change to one function. */
export function meterTo(record: (change: MeterChange) => void): Meter {
  return {
    count: (name, ...[labels = {}, by = 1]) => record({ kind: 'counter', name, value: by, labels }),
    gauge: (name, value, ...[labels = {}]) => record({ kind: 'gauge', name, value, labels }),
    observe: (name, value, ...[labels = {}]) => record({ kind: 'histogram', name, value, labels }),
  };
}
