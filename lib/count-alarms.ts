import { Duration, type Stack } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { SCHEDULER_PRECISION_MS } from '../core/plan/plan.ts';
import { addAlarm, counted, gauged, MISSING_ROUNDS } from './alarms.ts';
import { queueTimesSeconds, roundPeriodMinutes } from './timing.ts';

/** The period of counts that do not depend on rounds, or whose tries are a minute apart. */
const ANY_TIME = Duration.minutes(5);

/** Alarms on the stages' own counts. */
export function addCountAlarms(stack: Stack, topic: ITopic, tick: Duration): void {
  const roundPeriod = Duration.minutes(roundPeriodMinutes(tick.toMinutes()));
  addAlarm(stack, 'DeliveriesFailedAlarm', topic, {
    section: 'deliveries-failed',
    says: 'A message could not be delivered for good: somebody was not told.',
    metric: counted('deliveries_failed_total', 'deliver', ANY_TIME),
    above: 0,
  });
  addAlarm(stack, 'ConfigErrorsAlarm', topic, {
    section: 'config-errors',
    says: 'The uploaded configuration is wrong: the one before stays in force.',
    metric: counted('config_errors_total', 'plan', roundPeriod),
    above: 0,
  });
  addAlarm(stack, 'FleetIncompleteAlarm', topic, {
    section: 'fleet-incomplete',
    says: 'Rules across clusters are judged without a part of the fleet.',
    metric: counted('partials_missing_total', 'evaluate', roundPeriod),
    above: 0,
  });
  // These functions answer which messages failed, and do not fail themselves. Messages for probe end with their round.
  for (const stage of ['probe', 'store', 'evaluate', 'deliver'] as const) {
    addAlarm(stack, `${stage}RetriesAlarm`, topic, {
      section: 'retried-messages',
      says: `The function ${stage} fails with its messages again and again; they stay in their queue.`,
      metric: counted('messages_retried_total', stage, stage === 'probe' ? roundPeriod : ANY_TIME),
      above: 0,
      periods: 3,
    });
  }
  // The lag counts from the scheduled time, and Scheduler starts a round anywhere in its minute.
  const mostSeconds = queueTimesSeconds(tick.toSeconds()).evaluate.oldest + SCHEDULER_PRECISION_MS / 1000;
  addAlarm(stack, 'EvaluationLagAlarm', topic, {
    section: 'evaluation-lag',
    says: `Rounds are judged more than ${mostSeconds} s after their time.`,
    metric: gauged('evaluation_lag_seconds', 'evaluate', roundPeriod),
    above: mostSeconds,
  });
}

/** Alarms on whether alerts can be sent and nodes are seen: the same as /healthz, for deployments that nobody polls. */
export function addHealthAlarms(stack: Stack, topic: ITopic, tick: Duration): void {
  const roundPeriod = Duration.minutes(roundPeriodMinutes(tick.toMinutes()));
  addAlarm(stack, 'UndeliveredAlarm', topic, {
    section: 'undelivered',
    says: 'An alert reached nobody for longer than server.undeliveredAfter.',
    metric: gauged('alerts_undelivered_overdue', 'notify', ANY_TIME),
    above: 0,
  });
  addAlarm(stack, 'NotifyFailingAlarm', topic, {
    section: 'notify-failing',
    says: 'Notify fails: what fires may not be sent.',
    metric: counted('notify_failures_total', 'notify', ANY_TIME),
    above: 0,
    periods: 2,
  });
  addAlarm(stack, 'RuleFailingAlarm', topic, {
    section: 'rule-failing',
    says: 'A rule cannot be judged; the others are.',
    metric: counted('rule_failures_total', 'evaluate', roundPeriod),
    above: 0,
    periods: 3,
  });
  addAlarm(stack, 'SamplesRefusedAlarm', topic, {
    section: 'samples-refused',
    says: 'The store refuses samples: they are lost, and no rule sees them.',
    metric: counted('samples_rejected_total', 'store', roundPeriod),
    above: 0,
    periods: 3,
  });
  addAlarm(stack, 'SamplesTooLateAlarm', topic, {
    section: 'samples-too-late',
    says: 'Samples came too late for the store: rules see them, its history lacks them.',
    metric: counted('samples_too_late_total', 'store', roundPeriod),
    above: 0,
  });
  addAlarm(stack, 'NothingSeenAlarm', topic, {
    section: 'nothing-seen',
    says: 'No node was seen for three rounds.',
    metric: gauged('rounds_unseen', 'plan', tick),
    above: MISSING_ROUNDS,
    missing: 'unchanged',
  });
  addAlarm(stack, 'NodesAbsentAlarm', topic, {
    section: 'nodes-absent',
    says: 'Nodes were due for three rounds, and neither seen nor seen to be lost.',
    metric: gauged('nodes_absent', 'evaluate', tick),
    above: 0,
    missing: 'unchanged',
  });
  addAlarm(stack, 'BatchesExpiredAlarm', topic, {
    section: 'batches-expired',
    says: 'Batches were dropped, since nobody began them in time: their nodes were not looked at.',
    metric: counted('batches_expired_total', 'probe', roundPeriod),
    above: 0,
  });
  // A batch of probe may succeed at its second try.
  for (const [stage, periods] of [
    ['plan', 1],
    ['probe', 2],
  ] as const) {
    addAlarm(stack, `${stage}BatchesFailedAlarm`, topic, {
      section: 'batches-failed',
      says: `The function ${stage} could do nothing with batches: their nodes were not looked at.`,
      metric: counted('batches_failed_total', stage, roundPeriod),
      above: 0,
      periods,
    });
  }
}
