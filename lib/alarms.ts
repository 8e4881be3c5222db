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

/** Sections of docs/runbook.md. A test holds that each alarm has one, and each section an alarm. */
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

/** Rounds that may be missing before it is an alarm; see functions/health.ts. */
export const MISSING_ROUNDS = 3;

export interface AlarmProps {
  section: RunbookSection;
  /** A sentence about what is wrong. */
  says: string;
  metric: IMetric;
  above?: number;
  below?: number;
  /** Periods of the metric in a row. Default: 1. */
  periods?: number;
  /**
   * Without measurements: the alarm is OK; it keeps its state; or it is exactly what the alarm is about, once there had been
   * measurements. Default: OK.
   */
  missing?: 'well' | 'unchanged' | 'notified';
}

const MISSING = {
  well: TreatMissingData.NOT_BREACHING,
  unchanged: TreatMissingData.IGNORE,
  notified: TreatMissingData.MISSING,
} as const;

/**
 * An alarm that notifies the topic when it begins, and links its section of the runbook. None begins by itself in a
 * deployment that is new: an alarm is in INSUFFICIENT_DATA then, and missing data that breaches would be one at once
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html). Its end is sent by
 * `tellRecoveries`.
 */
export function addAlarm(scope: Construct, id: string, topic: ITopic, props: AlarmProps): Alarm {
  const { section, says, metric, above, below, periods = 1, missing = 'well' } = props;
  const alarm = new Alarm(scope, id, {
    metric,
    threshold: above ?? below ?? 0,
    comparisonOperator:
      above === undefined
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_THRESHOLD,
    evaluationPeriods: periods,
    treatMissingData: MISSING[missing],
    alarmDescription: `${says} What to do: docs/runbook.md#${section}`,
  });
  const action = new SnsAction(topic);
  alarm.addAlarmAction(action);
  if (missing === 'notified') alarm.addInsufficientDataAction(action);
  return alarm;
}

/** A count of a stage's function. Its only dimension is the service, which has the stage's name. */
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
    says: `Something that ${name} was given failed for good and lies in its dead-letter queue.`,
    metric: queue.metricApproximateNumberOfMessagesVisible({
      period: Duration.minutes(1),
      statistic: 'Maximum',
    }),
    above: 0,
  });
}

type AgeSection = Extract<RunbookSection, 'old-messages' | 'evaluation-lag'>;

/** Alarms on the age of messages that were received twice at most; see `LEFT_OUT_AT`. */
export function alarmOnAge(
  scope: Construct,
  topic: ITopic,
  props: { name: string; queue: IQueue; oldest: Duration; section: AgeSection },
): void {
  addAlarm(scope, 'AgeAlarm', topic, {
    section: props.section,
    says: `The oldest message for ${props.name} has waited longer than ${props.oldest.toSeconds()} s.`,
    metric: props.queue.metricApproximateAgeOfOldestMessage({
      period: Duration.minutes(1),
      statistic: 'Maximum',
    }),
    above: props.oldest.toSeconds(),
    periods: AGE_PERIODS,
  });
}

/**
 * So often received and not deleted, a message is no longer in ApproximateAgeOfOldestMessage
 * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html). A FIFO
 * queue does not reorder such messages; whether it leaves them out, AWS does not say.
 */
export const LEFT_OUT_AT = 3;

/** The age of those, as functions/batch.ts measures it whenever it fails with one: a minute apart, or a little more. */
export function alarmOnFailingAge(
  scope: Construct,
  topic: ITopic,
  { stage, oldest, section }: { stage: string; oldest: Duration; section: AgeSection },
): void {
  addAlarm(scope, 'FailingAgeAlarm', topic, {
    section,
    says: `The function ${stage} still fails with a message that is older than ${oldest.toSeconds()} s.`,
    metric: gauged('failing_message_age_seconds', stage, Duration.minutes(5)),
    above: oldest.toSeconds(),
  });
}

/** `period`: in which it is called for certain. */
export function alarmOnFunction(
  scope: Construct,
  topic: ITopic,
  { name, fn, period }: { name: string; fn: LambdaFunction; period: Duration },
): void {
  addAlarm(scope, 'ErrorsAlarm', topic, {
    section: 'function-errors',
    says: `The function ${name} fails again and again.`,
    metric: fn.metricErrors({ period }),
    above: 0,
    periods: 3,
  });
  addAlarm(scope, 'ThrottlesAlarm', topic, {
    section: 'function-throttles',
    says: `The function ${name} was not allowed to run as often as it was called.`,
    metric: fn.metricThrottles({ period }),
    above: 0,
    periods: 3,
  });
}
