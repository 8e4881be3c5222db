// The program's metrics about itself: `/metrics` of `up`, and CloudWatch on AWS. Sample metrics are in catalogue.ts.

import { ACCESS_METRICS } from './own-metrics/access.ts';
import { ALERT_METRICS } from './own-metrics/alerts.ts';
import { DATA_METRICS } from './own-metrics/data.ts';
import type { OwnMetric, OwnMetricKind } from './own-metrics/own-metric.ts';
import { PROGRAM_METRICS } from './own-metrics/program.ts';
import { ROUND_METRICS } from './own-metrics/rounds.ts';

/** Names without the prefix `bartizan_`. A name in use is never changed: dashboards and alarms depend on it. */
export const OWN_METRICS = {
  ...ROUND_METRICS,
  ...DATA_METRICS,
  ...ALERT_METRICS,
  ...PROGRAM_METRICS,
  ...ACCESS_METRICS,
} as const satisfies Record<string, OwnMetric>;

export type OwnMetricName = keyof typeof OWN_METRICS;

type NamesOf<Kind extends OwnMetricKind> = {
  [Name in OwnMetricName]: (typeof OWN_METRICS)[Name]['kind'] extends Kind ? Name : never;
}[OwnMetricName];

export type CounterName = NamesOf<'counter'>;
export type GaugeName = NamesOf<'gauge'>;
export type HistogramName = NamesOf<'histogram'>;

type LabelOf<Name extends OwnMetricName> = (typeof OWN_METRICS)[Name]['labels'][number];

/** Labels of a metric: all that the catalogue names, and no other. */
export type OwnLabels<Name extends OwnMetricName> = [LabelOf<Name>] extends [never]
  ? Readonly<Record<string, never>>
  : Readonly<Record<LabelOf<Name>, string>>;

/** The arguments behind a name and value: labels may be left out only where a metric has none. */
export type LabelArguments<Name extends OwnMetricName, Rest extends unknown[] = []> = [
  LabelOf<Name>,
] extends [never]
  ? [labels?: OwnLabels<Name>, ...Rest]
  : [labels: OwnLabels<Name>, ...Rest];
