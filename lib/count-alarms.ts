import { Duration, type Stack } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { SCHEDULER_PRECISION_MS } from '../core/plan/plan.ts';
import { addAlarm, counted, gauged, MISSING_ROUNDS } from './alarms.ts';
import { queueTimesSeconds, roundPeriodMinutes } from './timing.ts';

/** The period of counts that do not depend on rounds, or whose tries are a minute apart. */
const ANY_TIME = Duration.minutes(5);

/** Alarms on the counts of the stages. */
export function addCountAlarms(stack: Stack, topic: ITopic, tick: Duration): void {
  const roundPeriod = Duration.minutes(roundPeriodMinutes(tick.toMinutes()));
  addAlarm(stack, 'DeliveriesFailedAlarm', topic, {
    section: 'deliveries-failed',
    problem: 'A channel refused a message for good: its readers do not get it.',
    metric: counted('deliveries_failed_total', 'deliver', ANY_TIME),
    above: 0,
  });
  addAlarm(stack, 'ConfigErrorsAlarm', topic, {
    section: 'config-errors',
    problem: 'The uploaded configuration has an error: the former one stays active.',
    metric: counted('config_errors_total', 'plan', roundPeriod),
    above: 0,
  });
  addAlarm(stack, 'FleetIncompleteAlarm', topic, {
    section: 'fleet-incomplete',
    problem: 'Rules across clusters are evaluated without a part of the fleet.',
    metric: counted('partials_missing_total', 'evaluate', roundPeriod),
    above: 0,
  });
  // These functions report which messages failed, and do not fail themselves. Messages for probe expire with their
  // round.
  for (const stage of ['probe', 'store', 'evaluate', 'deliver'] as const) {
    addAlarm(stack, `${stage}RetriesAlarm`, topic, {
      section: 'retried-messages',
      problem: `The function ${stage} fails with its messages again and again; they stay in their queue.`,
      metric: counted('messages_retried_total', stage, stage === 'probe' ? roundPeriod : ANY_TIME),
      above: 0,
      periods: 3,
    });
  }
  // The lag counts from the scheduled time, and Scheduler starts a round anywhere in its minute.
  const mostSeconds = queueTimesSeconds(tick.toSeconds()).evaluate.oldest + SCHEDULER_PRECISION_MS / 1000;
  addAlarm(stack, 'EvaluationLagAlarm', topic, {
    section: 'evaluation-lag',
    problem: `Rounds are evaluated more than ${mostSeconds} s after their time.`,
    metric: gauged('evaluation_lag_seconds', 'evaluate', roundPeriod),
    above: mostSeconds,
  });
}

/**
 * Alarms on whether alerts are delivered and nodes are seen. /healthz has the same, but not every deployment is polled.
 */
export function addHealthAlarms(stack: Stack, topic: ITopic, tick: Duration): void {
  const roundPeriod = Duration.minutes(roundPeriodMinutes(tick.toMinutes()));
  addAlarm(stack, 'UndeliveredAlarm', topic, {
    section: 'undelivered',
    problem: 'An alert reached nobody for longer than server.undeliveredAfter.',
    metric: gauged('alerts_undelivered_overdue', 'notify', ANY_TIME),
    above: 0,
  });
  addAlarm(stack, 'NotifyFailingAlarm', topic, {
    section: 'notify-failing',
    problem: 'Notify fails: alerts may not be sent.',
    metric: counted('notify_failures_total', 'notify', ANY_TIME),
    above: 0,
    periods: 2,
  });
  addAlarm(stack, 'RuleFailingAlarm', topic, {
    section: 'rule-failing',
    problem: 'A rule cannot be evaluated; the others are.',
    metric: counted('rule_failures_total', 'evaluate', roundPeriod),
    above: 0,
    periods: 3,
  });
  addAlarm(stack, 'SamplesRefusedAlarm', topic, {
    section: 'samples-refused',
    problem: 'The store refuses samples: they are lost, and no rule sees them.',
    metric: counted('samples_rejected_total', 'store', roundPeriod),
    above: 0,
    periods: 3,
  });
  addAlarm(stack, 'SamplesTooLateAlarm', topic, {
    section: 'samples-too-late',
    problem: 'Samples came too late for the store: rules see them, its history lacks them.',
    metric: counted('samples_too_late_total', 'store', roundPeriod),
    above: 0,
  });
  addAlarm(stack, 'NothingSeenAlarm', topic, {
    section: 'nothing-seen',
    problem: 'No node was seen for three rounds.',
    metric: gauged('rounds_unseen', 'plan', tick),
    above: MISSING_ROUNDS,
    missing: 'unchanged',
  });
  addAlarm(stack, 'NodesAbsentAlarm', topic, {
    section: 'nodes-absent',
    problem: 'Nodes were due for three rounds, and there is no observation of them, not even of a failure.',
    metric: gauged('nodes_absent', 'evaluate', tick),
    above: 0,
    missing: 'unchanged',
  });
  addAlarm(stack, 'BatchesExpiredAlarm', topic, {
    section: 'batches-expired',
    problem: 'Batches were dropped because probe did not begin them in time: their nodes were not probed.',
    metric: counted('batches_expired_total', 'probe', roundPeriod),
    above: 0,
  });
  // A batch of probe may succeed at the second try.
  for (const [stage, periods] of [
    ['plan', 1],
    ['probe', 2],
  ] as const) {
    addAlarm(stack, `${stage}BatchesFailedAlarm`, topic, {
      section: 'batches-failed',
      problem: `The function ${stage} failed with batches for good: their nodes were not probed.`,
      metric: counted('batches_failed_total', stage, roundPeriod),
      above: 0,
      periods,
    });
  }
}
