import { Duration, Stack } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { DEAD_LETTERS_PATH, type DeadLetterQueue } from '../adapters/queues/dead-letters.ts';
import { alarmOnAge, alarmOnDeadLetters } from './alarms.ts';

/** The longest SQS keeps anything: time to look at it. */
const KEPT = Duration.days(14);

export interface StageQueueProps {
  /** Whose queue it is. */
  stage: string;
  /** Where a stage has a queue for each. */
  bastion?: string;
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
  const { stage, bastion, timeout, maxReceiveCount, retention, fifo, oldest, ageSection, topic } = props;
  const here = new Construct(scope, id);
  const name = nameOf({ stage, bastion });
  const deadLetters = createQueueOfDead(here, { name, topic, fifo });
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
  writeDown(here, { stage, bastion, deadLetters: deadLetters.queueUrl, queue: queue.queueUrl });
  return { queue, deadLetters };
}

/** Where failures of what came from no queue lie until somebody has looked at them. */
export function createDeadLetters(
  scope: Construct,
  { stage, topic }: { stage: string; topic: ITopic },
): Queue {
  const queue = createQueueOfDead(scope, { name: stage, topic });
  writeDown(scope, { stage, deadLetters: queue.queueUrl });
  return queue;
}

/** For `bartizan dead-letters`: names of queues are made up by CloudFormation, and shortened. */
function writeDown(scope: Construct, entry: DeadLetterQueue): void {
  const { stage, bastion } = entry;
  new StringParameter(scope, 'DeadLettersParameter', {
    description: `Bartizan: where the dead letters of ${nameOf(entry)} are`,
    parameterName: [DEAD_LETTERS_PATH, stage, bastion].filter((part) => part !== undefined).join('/'),
    stringValue: Stack.of(scope).toJsonString(entry),
  });
}

function nameOf({ stage, bastion }: { stage: string; bastion?: string | undefined }): string {
  return bastion === undefined ? stage : `${stage} (bastion ${bastion})`;
}

function createQueueOfDead(
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
