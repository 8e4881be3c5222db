import { Duration } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { alarmOnAge, alarmOnDeadLetters } from './alarms.ts';

/** The longest SQS keeps anything: time to look at it. */
const KEPT = Duration.days(14);

export interface StageQueueProps {
  /** Whose queue it is, in texts. */
  name: string;
  /** Of the function that reads it. */
  timeout: Duration;
  /** Tries before a message counts as failed for good. */
  maxReceiveCount: number;
  /** How long a message is worth something. */
  retention: Duration;
  /** In order and one at a time within a message group. */
  fifo?: true;
  /** An older message is an alarm. */
  oldest: Duration;
  ageSection?: 'evaluation-lag';
  topic: ITopic;
}

/** A queue in front of a function, with what becomes of its failures and the alarms of both. */
export function createStageQueue(
  scope: Construct,
  id: string,
  props: StageQueueProps,
): { queue: Queue; deadLetters: Queue } {
  const { name, timeout, maxReceiveCount, retention, fifo, oldest, ageSection, topic } = props;
  const here = new Construct(scope, id);
  const deadLetters = createDeadLetters(here, { name, topic, fifo });
  const queue = new Queue(here, 'Queue', {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: retention,
    // Six times is what AWS advises: a throttled function gets further tries before the message shows up again.
    visibilityTimeout: Duration.seconds(timeout.toSeconds() * 6),
    deadLetterQueue: { queue: deadLetters, maxReceiveCount },
    ...(fifo && { fifo }),
  });
  alarmOnAge(here, topic, { name, queue, oldest, section: ageSection ?? 'old-messages' });
  return { queue, deadLetters };
}

/** Where failures lie until somebody has looked at them. */
export function createDeadLetters(
  scope: Construct,
  { name, topic, fifo }: { name: string; topic: ITopic; fifo?: true | undefined },
): Queue {
  const queue = new Queue(scope, 'DeadLetters', {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: KEPT,
    ...(fifo && { fifo }),
  });
  alarmOnDeadLetters(scope, topic, name, queue);
  return queue;
}
