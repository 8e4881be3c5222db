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

/** Namespace of what the functions count themselves. */
export const NAMESPACE = 'Bartizan';

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
  | 'nothing-seen'
  | 'dead-letters'
  | 'old-messages'
  | 'retried-messages'
  | 'function-errors'
  | 'function-throttles';

export interface AlarmProps {
  section: RunbookSection;
  /** What is wrong, in a sentence. */
  says: string;
  metric: IMetric;
  above?: number;
  below?: number;
  /** Periods of the metric in a row. Default: 1. */
  periods?: number;
  /** Nothing measured is as bad as a breach. */
  missingIsBad?: true;
}

/** An alarm that tells the topic when it begins and ends, and links its section of the runbook. */
export function addAlarm(scope: Construct, id: string, topic: ITopic, props: AlarmProps): Alarm {
  const { section, says, metric, above, below, periods = 1, missingIsBad } = props;
  const alarm = new Alarm(scope, id, {
    metric,
    threshold: above ?? below ?? 0,
    comparisonOperator:
      above === undefined
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_THRESHOLD,
    evaluationPeriods: periods,
    treatMissingData: missingIsBad ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    alarmDescription: `${says} What to do: docs/runbook.md#${section}`,
  });
  const action = new SnsAction(topic);
  alarm.addAlarmAction(action);
  alarm.addOkAction(action);
  return alarm;
}

/** What the function of a stage counts. Its only dimension is the name of the service, which is that of the stage. */
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

export function alarmOnAge(
  scope: Construct,
  topic: ITopic,
  props: { name: string; queue: IQueue; oldest: Duration; section: 'old-messages' | 'evaluation-lag' },
): void {
  addAlarm(scope, 'AgeAlarm', topic, {
    section: props.section,
    says: `The oldest message for ${props.name} has waited longer than ${props.oldest.toSeconds()} s.`,
    metric: props.queue.metricApproximateAgeOfOldestMessage({
      period: Duration.minutes(1),
      statistic: 'Maximum',
    }),
    above: props.oldest.toSeconds(),
    periods: 3,
  });
}

export function alarmOnFunction(scope: Construct, topic: ITopic, name: string, fn: LambdaFunction): void {
  addAlarm(scope, 'ErrorsAlarm', topic, {
    section: 'function-errors',
    says: `The function ${name} fails again and again.`,
    metric: fn.metricErrors({ period: Duration.minutes(5) }),
    above: 0,
    periods: 3,
  });
  addAlarm(scope, 'ThrottlesAlarm', topic, {
    section: 'function-throttles',
    says: `The function ${name} was not allowed to run as often as it was called.`,
    metric: fn.metricThrottles({ period: Duration.minutes(5) }),
    above: 0,
    periods: 3,
  });
}
