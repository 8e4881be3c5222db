// The program's metrics about itself: `/metrics` of `up`, and CloudWatch on AWS. Sample metrics are in catalogue.ts.

import {
  counter,
  gauge,
  histogram,
  type OwnMetric,
  type OwnMetricKind,
  SECONDS_FROM_A_BREACH,
  SECONDS_OF_A_DELIVERY,
  SECONDS_OF_A_PROBE,
  SECONDS_OF_A_ROUND,
  SECONDS_OF_AN_EVALUATION,
} from './own-metric.ts';

/** Names without the prefix `bartizan_`. A name in use is never changed: dashboards and alarms depend on it. */
export const OWN_METRICS = {
  rounds_total: counter('both', [], 'Rounds whose due nodes were seen, or whose bastion was seen to be lost'),
  rounds_planned_total: counter('functions', [], 'Rounds that plan has started'),
  rounds_skipped_total: counter('up', [], 'Rounds left out because an earlier one was still running'),
  rounds_failed_total: counter('up', [], 'Rounds that ended with an error'),
  rounds_not_due_total: counter('functions', [], 'Starts of plan that no round was due for'),
  rounds_unconfigured_total: counter(
    'functions',
    [],
    'Rounds that could not start for lack of a valid configuration',
  ),
  rounds_overdue: gauge('functions', [], 'Rounds that should have ended by now and have not'),
  rounds_unseen: gauge('functions', [], 'Rounds for which no node has been seen'),
  round_duration_seconds: gauge('up', [], 'How long the last round took'),
  round_elapsed_seconds: histogram(
    [],
    SECONDS_OF_A_ROUND,
    'How long rounds took, of those in which every due node was seen',
  ),
  round_scheduled_timestamp_seconds: gauge(
    'up',
    [],
    'Scheduled time of the last round that ended, since 1970',
  ),
  leader: gauge('up', [], '1 while this process leads, 0 while it stands by; only with shared state'),
  leader_term: gauge('up', [], 'Number of this leader: it grows with each process that takes the lead'),
  standbys: gauge('up', [], 'Processes that would take the lead over from this one'),
  clock_set_back_total: counter('up', [], 'Times the clock was found behind the last round'),
  targets: gauge('up', [], 'Nodes in the last round'),
  nodes_seen_total: counter('both', [], 'Nodes of which a check succeeded and the store took the samples'),
  nodes_absent: gauge(
    'both',
    [],
    'Nodes that were due in the last rounds and neither seen nor known to be lost',
  ),

  batches_expired_total: counter('both', ['bastion'], 'Batches dropped because their next round was due'),
  batches_failed_total: counter('both', ['bastion'], 'Batches that could not be probed or sent'),
  batches_lost_total: counter('up', [], 'Batches given up because too many waited for the store'),
  bastion_failures_total: counter(
    'both',
    ['bastion', 'reason'],
    'Batches whose bastion was not reached; its nodes are unknown then',
  ),
  observations_total: counter('both', ['outcome'], 'Results of checks on nodes'),
  observations_too_large_total: counter(
    'functions',
    ['check'],
    'Checks that saw more of a node than a message between functions holds (1 MiB, 200 KiB packed); they fail with the reason `output`',
  ),
  node_probe_duration_seconds: histogram(
    ['outcome'],
    SECONDS_OF_A_PROBE,
    'How long checks on nodes took, with the login where one was needed',
  ),
  label_sets_dropped_total: counter(
    'both',
    ['check'],
    'New mounts, interfaces and disks of nodes that brought too many in an hour (`maxNewLabelSets`)',
  ),
  ssh_sessions_opened_total: counter('both', ['hop'], 'SSH sessions opened to bastions and nodes'),
  ssh_sessions_reused_total: counter('both', ['hop'], 'SSH sessions used again'),
  ssh_penalties_total: counter(
    'both',
    ['hop'],
    'Logins that a node\'s sshd refused for a while ("Not allowed at this time"); `up` of the node is unknown for ten minutes',
  ),
  ssh_door_checks_total: counter(
    'both',
    ['outcome'],
    'With `sessions.door: on`: connections that asked whether sshd answers',
  ),

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
  inventory_entries: gauge('both', ['source'], 'Clusters that a source of the inventory has'),
  inventory_entries_broken: gauge('both', ['source'], 'Clusters of a source that cannot be used as written'),
  inventory_entries_broken_total: counter('both', ['source'], 'Readings of clusters that cannot be used'),
  inventory_answer_age_seconds: gauge('both', ['source'], 'Time since a source last answered this process'),
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
  transitions_total: counter('both', ['kind'], 'Transitions of alerts'),
  transitions_unrouted_total: counter('both', ['rule'], 'Transitions that no route takes'),
  alerts: gauge('both', ['rule', 'status'], 'Alerts of a rule after its last evaluation'),
  rule_failures_total: counter('both', ['rule'], 'Evaluations of a rule that failed'),
  evaluation_duration_seconds: histogram(
    [],
    SECONDS_OF_AN_EVALUATION,
    'How long evaluations of all rules took',
  ),
  evaluation_lag_seconds: gauge('functions', [], 'Time from a round to its evaluation'),
  evaluations_outdated_total: counter(
    'functions',
    [],
    'Evaluations dropped because a newer round was evaluated already',
  ),
  checkpoints_ahead_total: counter(
    'both',
    ['rule'],
    'Evaluations of a rule that start anew, because its checkpoint is ahead of the clock',
  ),
  checkpoints_behind_total: counter(
    'both',
    ['rule'],
    'Evaluations of a rule that start anew, because its checkpoint is too old to catch up',
  ),
  partials_awaited_total: counter('functions', ['rule'], 'Partial aggregates of shards that were waited for'),
  partials_missing_total: counter(
    'functions',
    ['rule'],
    'Partial aggregates of shards that did not come in time',
  ),
  parts_behind_total: counter('functions', [], 'Shards whose evaluation lags behind the round'),
  values_missing_total: counter(
    'both',
    [],
    'Messages with the last known value, as the store did not answer in time',
  ),

  deliveries_total: counter('both', ['channel', 'outcome'], 'Attempts to send a message'),
  deliveries_failed_total: counter(
    'both',
    ['channel'],
    'Attempts that failed for good or for a day; the message is offered again',
  ),
  deliveries_unclear_total: counter(
    'both',
    ['channel'],
    'Messages that count as sent though the answer was neither yes nor no',
  ),
  delivery_latency_seconds: histogram(
    ['channel'],
    SECONDS_OF_A_DELIVERY,
    "Time from an alert's firing or end to the message that its channel accepted",
  ),
  breach_to_accepted_seconds: {
    ...histogram(
      ['channel'],
      SECONDS_FROM_A_BREACH,
      'Time from the first sample that breached, so with the `for` of the rule, to the message that its channel accepted; without alerts that something withheld',
    ),
    in: 'both',
  },
  messages_paced_total: counter(
    'both',
    ['channel'],
    'Messages found to be waiting for others to the same destination',
  ),
  alerts_dropped_total: counter(
    'both',
    ['channel'],
    'Alerts that left their channel unsent, because no route names it any more',
  ),
  alerts_undelivered: gauge('both', [], 'Alerts that a channel should have been sent and has not accepted'),
  alerts_undelivered_overdue: gauge('both', [], 'Those of them that make health fail'),
  pictures_total: counter('both', ['channel', 'outcome'], 'Pictures by their outcome'),
  pictures_in_vain_total: counter('both', ['channel'], 'Pictures that were drawn and shown to nobody'),
  notify_failures_total: counter('both', [], 'Runs of notify that failed'),
  notices_failed_total: counter(
    'up',
    ['channel'],
    'Channels that took no notice about ourselves within a day',
  ),
  heartbeats_total: counter('both', ['outcome'], 'Heartbeats: `ok`, `failed`, `withheld`'),
  heartbeats_withheld_total: counter(
    'functions',
    [],
    'Heartbeats that were withheld because of a fault of Bartizan',
  ),

  health_faults: gauge('up', ['code'], '1 while the fault holds, see docs/runbook.md'),
  housekeeping_failures_total: counter('up', [], 'Runs of retention and roll-up that failed'),
  data_disk_free_bytes: gauge('up', [], 'Room that is left on the disk of the data folder'),
  data_disk_size_bytes: gauge('up', [], 'Size of the disk of the data folder'),
  store_file_bytes: gauge('up', [], 'Size of the file of samples, without the log of the database'),
  store_used_bytes: gauge('up', [], 'Part of that file which is in use; new samples go into the rest first'),
  store_rows_cut_total: counter(
    'up',
    [],
    'Rows of the store removed before their retention, for lack of room',
  ),
  state_write_failures_total: counter('up', [], 'Writes of state that failed'),
  audit_write_failures_total: counter('up', [], 'Failed writes of the audit; they are tried again'),
  audit_lines_lost_total: counter(
    'up',
    [],
    'Lines of the audit that are lost, because too many waited for a disk that rejects writes',
  ),
  audit_lines_removed_total: counter('up', [], 'Lines of the audit that were removed after their retention'),
  audit_syslog_lines_total: counter(
    'up',
    [],
    'Lines of the audit that were sent to the syslog server, repeated ones included',
  ),
  audit_syslog_failures_total: counter('up', [], 'Connections to the syslog server that failed or ended'),
  audit_syslog_lost_total: counter(
    'up',
    [],
    'Lines of the audit that were removed before the syslog server took them',
  ),
  audit_syslog_waiting: gauge(
    'up',
    [],
    'Lines of the audit of `up` that the syslog server has not taken yet',
  ),
  damaged_reads_total: counter('up', ['database'], 'Reads that met a damaged database'),
  databases_set_aside_total: counter(
    'up',
    ['database'],
    'Damaged databases that were put aside at the start',
  ),
  log_lines_lost: gauge('up', [], 'Lines of the log since the start that could not be written'),
  log_lines_left_out_total: counter('up', [], 'Repeated warnings and errors beyond twenty a minute'),
  server_requests_refused_total: counter(
    'up',
    ['why'],
    'Requests that the server refused: `host`, `body`, `expectation`, `unread`, `connections`, `metrics`',
  ),
  messages_retried_total: counter('functions', [], 'Messages between functions that failed and come again'),
  messages_dead_total: counter('functions', [], 'Messages between functions that failed for good'),
  messages_put_off_total: counter('functions', [], 'Messages left for the next call for lack of time'),
  failing_message_age_seconds: gauge('functions', [], 'Age of the message that a function fails with'),
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
