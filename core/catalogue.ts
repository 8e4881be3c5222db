// The one list of metrics. Documentation, API, charts and configuration checks take names and units from here.

import { CERTIFICATE_METRICS } from './metrics/certificates.ts';
import { CONTROL_PLANE_METRICS } from './metrics/control-plane.ts';
import { ENDPOINT_METRICS } from './metrics/endpoints.ts';
import { FLEET_METRICS } from './metrics/fleet.ts';
import type { Metric } from './metrics/metric.ts';
import { NODE_METRICS } from './metrics/node.ts';

export { GROUP_LABELS, type Metric, type Unit } from './metrics/metric.ts';

export const METRICS: readonly Metric[] = [
  ...NODE_METRICS,
  ...FLEET_METRICS,
  ...CONTROL_PLANE_METRICS,
  ...CERTIFICATE_METRICS,
  ...ENDPOINT_METRICS,
];

const byName = new Map(METRICS.map((metric) => [metric.name, metric]));

/** The metric of that name, or undefined. */
export function findMetric(name: string): Metric | undefined {
  return byName.get(name);
}

/** Names of the metrics that a kind of check measures. */
export function metricsOfProbe(type: string): string[] {
  return METRICS.filter(({ probes }) => probes?.includes(type)).map(({ name }) => name);
}
