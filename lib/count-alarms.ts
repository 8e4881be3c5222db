import { Duration, type Stack } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Config } from '../core/config/types.ts';
import { leastOf } from '../core/extremes.ts';
import { addAlarm, counted, gauged } from './alarms.ts';

/** On what the stages count themselves. */
export function addCountAlarms(stack: Stack, topic: ITopic, tick: Duration): void {
  const period = Duration.minutes(5);
  addAlarm(stack, 'DeliveriesFailedAlarm', topic, {
    section: 'deliveries-failed',
    says: 'A message could not be delivered for good: somebody was not told.',
    metric: counted('deliveries_failed_total', 'deliver', period),
    above: 0,
  });
  addAlarm(stack, 'ConfigErrorsAlarm', topic, {
    section: 'config-errors',
    says: 'The uploaded configuration is wrong: the one before stays in force.',
    metric: counted('config_errors_total', 'plan', period),
    above: 0,
  });
  addAlarm(stack, 'FleetIncompleteAlarm', topic, {
    section: 'fleet-incomplete',
    says: 'Rules across clusters are judged without a part of the fleet.',
    metric: counted('partials_missing_total', 'evaluate', period),
    above: 0,
  });
  // They answer which messages failed, and do not fail themselves.
  for (const stage of ['probe', 'store', 'evaluate', 'deliver'] as const) {
    addAlarm(stack, `${stage}RetriesAlarm`, topic, {
      section: 'retried-messages',
      says: `The function ${stage} fails with its messages again and again; they stay in their queue.`,
      metric: counted('messages_retried_total', stage, period),
      above: 0,
      periods: 3,
    });
  }
  const mostSeconds = latestEvaluation(tick).toSeconds();
  addAlarm(stack, 'EvaluationLagAlarm', topic, {
    section: 'evaluation-lag',
    says: `Rounds are judged more than ${mostSeconds} s after their time.`,
    metric: gauged('evaluation_lag_seconds', 'evaluate', period),
    above: mostSeconds,
  });
}

/** On whether alerts can leave, and nodes are seen: what /healthz says, for those who do not ask it. */
export function addHealthAlarms(stack: Stack, topic: ITopic, { checks }: Config): void {
  const period = Duration.minutes(5);
  addAlarm(stack, 'UndeliveredAlarm', topic, {
    section: 'undelivered',
    says: 'An alert reached nobody for longer than server.undeliveredAfter.',
    metric: gauged('alerts_undelivered_overdue', 'notify', period),
    above: 0,
  });
  addAlarm(stack, 'NotifyFailingAlarm', topic, {
    section: 'notify-failing',
    says: 'Notify fails: what fires may not be sent.',
    metric: counted('notify_failures_total', 'notify', period),
    above: 0,
    periods: 2,
  });
  addAlarm(stack, 'RuleFailingAlarm', topic, {
    section: 'rule-failing',
    says: 'A rule cannot be judged; the others are.',
    metric: counted('rule_failures_total', 'evaluate', period),
    above: 0,
    periods: 3,
  });
  addAlarm(stack, 'SamplesRefusedAlarm', topic, {
    section: 'samples-refused',
    says: 'The store refuses samples: they are lost, and no rule sees them.',
    metric: counted('samples_rejected_total', 'store', period),
    above: 0,
    periods: 3,
  });
  const mostOftenMs = leastOf(checks.map(({ everyMs }) => everyMs));
  addAlarm(stack, 'NothingSeenAlarm', topic, {
    section: 'nothing-seen',
    says: 'No node was seen for three rounds.',
    metric: counted('nodes_seen_total', 'store', Duration.minutes(Math.ceil(mostOftenMs / 60_000))),
    below: 1,
    periods: 3,
    missingIsBad: true,
  });
}

/** After the start of its round. */
export function latestEvaluation(tick: Duration): Duration {
  return Duration.seconds(Math.max(180, tick.toSeconds() * 2));
}
