// What the program says about rules, messages and heartbeats; joined in core/own-metrics.ts.

import {
  counter,
  gauge,
  histogram,
  type OwnMetric,
  SECONDS_FROM_A_BREACH,
  SECONDS_OF_A_DELIVERY,
  SECONDS_OF_AN_EVALUATION,
} from './own-metric.ts';

export const ALERT_METRICS = {
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
} as const satisfies Record<string, OwnMetric>;
