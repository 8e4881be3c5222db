// What the program says about samples, the inventory and the configuration; joined in core/own-metrics.ts.

import { counter, gauge, type OwnMetric } from './own-metric.ts';

export const DATA_METRICS = {
  samples_written_total: counter('both', [], 'Samples that the store took'),
  samples_duplicate_total: counter('both', [], 'Samples that the store had already'),
  samples_rejected_total: counter('both', [], 'Samples that the store never takes'),
  samples_too_late_total: counter(
    'both',
    [],
    'Samples that came too late for the store; rules see them all the same',
  ),
  samples_not_judged_total: counter(
    'both',
    [],
    'Samples stored too late for any evaluation: their batch is older than `schedule.lateness`',
  ),
  samples_late_unread_total: counter('both', [], 'Queries that left out the oldest of too many late samples'),
  samples_repeated_total: counter(
    'both',
    [],
    'Last values of slow checks written again, for readers of a Prometheus-compatible store',
  ),
  samples_not_repeated_total: counter('both', [], 'Such values that could not be written in their round'),
  store_failures_total: counter('up', [], 'Writes that the sample store refused; they are tried again'),
  nodes_watched: gauge('both', [], 'Nodes of which a check succeeded a short time ago'),
  nodes_unwatched: gauge('both', [], 'Nodes of the inventory that are not watched'),
  nodes_unwatched_by_reason: gauge('up', ['reason'], 'The same by the reason that `bartizan coverage` names'),
  coverage_failures_total: counter(
    'both',
    [],
    'Rounds in which nobody could tell which nodes are watched, or the store did not take it',
  ),
  inventory_entries: gauge('both', ['source'], 'Clusters that a source of the inventory has'),
  inventory_entries_broken: gauge('both', ['source'], 'Clusters of a source that cannot be used as written'),
  inventory_entries_broken_total: counter('both', ['source'], 'Readings of clusters that cannot be used'),
  inventory_answer_age_seconds: gauge(
    'both',
    ['source'],
    'Time since a source last answered; over restarts known to five minutes',
  ),
  inventory_reads_failed_total: counter(
    'both',
    ['source'],
    'Readings of a source that failed; its last content stays in use',
  ),
  config_errors_total: counter(
    'functions',
    [],
    'Uploads of a configuration that is not valid; the former one stays active',
  ),

  removals_refused_total: counter('both', [], 'Readings of a source that lacked too many nodes'),
  nodes_kept: gauge('both', ['source'], 'Nodes that stay in use although their source lacks them'),
  config_reloads_total: counter('up', ['outcome'], 'Readings of the configuration: `applied`, `refused`'),
  config_in_force: gauge('up', [], '1 while the configuration on disk is in force, 0 while it is not'),
} as const satisfies Record<string, OwnMetric>;
