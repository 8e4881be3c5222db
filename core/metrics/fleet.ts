import { type Metric, metricsOf } from './metric.ts';

/** What the program writes in each round about the fleet as a whole. `/metrics` has the same numbers under other names. */
export const FLEET_METRICS: readonly Metric[] = [
  ...metricsOf('coverage', undefined, [
    [
      'unwatched_nodes',
      'Nodes not watched',
      'count',
      'Nodes of which no check has succeeded a short time ago, by reason: that of `bartizan coverage`. 0 for a reason that no node has',
    ],
  ]),
  ...metricsOf('source', undefined, [
    [
      'inventory_age',
      'Age of the inventory',
      'seconds',
      'Time since a source of the inventory last answered, also over restarts; absent while nobody knows',
    ],
  ]),
];
