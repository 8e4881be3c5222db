import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { NAMESPACE } from './names.ts';
import { AGE_PERIODS } from './timing.ts';

/** The sections of docs/runbook.md. A test checks that each alarm has one, and each section an alarm. */
export type RunbookSection =
  | 'no-round'
  | 'config-errors'
  | 'evaluation-lag'
  | 'fleet-incomplete'
  | 'deliveries-failed'
  | 'undelivered'
  | 'notify-failing'
  | 'rule-failing'
  | 'samples-refused'
  | 'samples-too-late'
  | 'nothing-seen'
  | 'nodes-absent'
  | 'batches-expired'
  | 'batches-failed'
  | 'dead-letters'
  | 'old-messages'
  | 'retried-messages'
  | 'function-errors'
  | 'function-throttles';

/** The number of rounds that may be missing before an alarm begins; see functions/health.ts. */
export const MISSING_ROUNDS = 3;

export interface AlarmProps {
  section: RunbookSection;
  /** A sentence about the problem. */
  problem: string;
  metric: IMetric;
  above?: number;
  below?: number;
  /** The number of periods of the metric in a row. Default: 1. */
  periods?: number;
  /**
   * What missing data means: the alarm is OK; it keeps its state; or it begins, if there was data before. Default: OK.
   */
  missing?: 'well' | 'unchanged' | 'notified';
}

const MISSING = {
  well: TreatMissingData.NOT_BREACHING,
  unchanged: TreatMissingData.IGNORE,
  notified: TreatMissingData.MISSING,
} as const;

/**
 * An alarm that notifies the topic when it begins, and links its section of the runbook. No alarm begins by itself in a
 * new deployment: it starts in INSUFFICIENT_DATA, and with `breaching` missing data would start it at once
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html). `tellRecoveries`
 * notifies of its end.
 */
export function addAlarm(scope: Construct, id: string, topic: ITopic, props: AlarmProps): Alarm {
  const { section, problem, metric, above, below, periods = 1, missing = 'well' } = props;
  const alarm = new Alarm(scope, id, {
    metric,
    threshold: above ?? below ?? 0,
    comparisonOperator:
      above === undefined
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_THRESHOLD,
    evaluationPeriods: periods,
    treatMissingData: MISSING[missing],
    alarmDescription: `${problem} What to do: docs/runbook.md#${section}`,
  });
  const action = new SnsAction(topic);
  alarm.addAlarmAction(action);
  if (missing === 'notified') alarm.addInsufficientDataAction(action);
  return alarm;
}

/** A count of a stage's function. Its only dimension is the service, which has the name of the stage. */
export function counted(name: string, service: string, period: Duration): IMetric {
  return ownMetric(name, service, period, Stats.SUM);
}

/** The greatest value of a gauge of that function. */
export function gauged(name: string, service: string, period: Duration): IMetric {
  return ownMetric(name, service, period, Stats.MAXIMUM);
}

function ownMetric(metricName: string, service: string, period: Duration, statistic: string): IMetric {
  return new Metric({ namespace: NAMESPACE, metricName, dimensionsMap: { service }, statistic, period });
}

export function alarmOnDeadLetters(scope: Construct, topic: ITopic, name: string, queue: IQueue): void {
  addAlarm(scope, 'DeadLettersAlarm', topic, {
    section: 'dead-letters',
    problem: `A message for ${name} failed for good and is in its dead-letter queue.`,
    metric: queue.metricApproximateNumberOfMessagesVisible({
      period: Duration.minutes(1),
      statistic: 'Maximum',
    }),
    above: 0,
  });
}

type AgeSection = Extract<RunbookSection, 'old-messages' | 'evaluation-lag'>;

/** Alarms on the age of messages that were received at most twice; see `LEFT_OUT_AT`. */
export function alarmOnAge(
  scope: Construct,
  topic: ITopic,
  props: { name: string; queue: IQueue; oldest: Duration; section: AgeSection },
): void {
  addAlarm(scope, 'AgeAlarm', topic, {
    section: props.section,
    problem: `The oldest message for ${props.name} has waited longer than ${props.oldest.toSeconds()} s.`,
    metric: props.queue.metricApproximateAgeOfOldestMessage({
      period: Duration.minutes(1),
      statistic: 'Maximum',
    }),
    above: props.oldest.toSeconds(),
    periods: AGE_PERIODS,
  });
}

/**
 * A message that was received this often and not deleted no longer counts in ApproximateAgeOfOldestMessage
 * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html).
 * AWS does not document whether that holds for FIFO queues, which do not reorder such messages.
 */
export const LEFT_OUT_AT = 3;

/**
 * The age of those messages. functions/batch.ts measures it each time it fails with one: every minute, or a little
 * later.
 */
export function alarmOnFailingAge(
  scope: Construct,
  topic: ITopic,
  { stage, oldest, section }: { stage: string; oldest: Duration; section: AgeSection },
): void {
  addAlarm(scope, 'FailingAgeAlarm', topic, {
    section,
    problem: `The function ${stage} still fails with a message that is older than ${oldest.toSeconds()} s.`,
    metric: gauged('failing_message_age_seconds', stage, Duration.minutes(5)),
    above: oldest.toSeconds(),
  });
}

/** In each `period` the function is called at least once. */
export function alarmOnFunction(
  scope: Construct,
  topic: ITopic,
  { name, fn, period }: { name: string; fn: LambdaFunction; period: Duration },
): void {
  addAlarm(scope, 'ErrorsAlarm', topic, {
    section: 'function-errors',
    problem: `The function ${name} fails again and again.`,
    metric: fn.metricErrors({ period }),
    above: 0,
    periods: 3,
  });
  addAlarm(scope, 'ThrottlesAlarm', topic, {
    section: 'function-throttles',
    problem: `The function ${name} was throttled: it could not run as often as it was called.`,
    metric: fn.metricThrottles({ period }),
    above: 0,
    periods: 3,
  });
}
