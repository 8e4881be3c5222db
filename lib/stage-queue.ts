import { Duration, Stack } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { deadLettersPath } from '../adapters/aws/deployment.ts';
import type { DeadLetterQueue } from '../adapters/queues/dead-letters.ts';
import { alarmOnAge, alarmOnDeadLetters, alarmOnFailingAge, LEFT_OUT_AT } from './alarms.ts';
import { deploymentName } from './names.ts';
import { type QueueTimes, visibilitySeconds } from './timing.ts';

/** The longest retention of SQS, which gives time to inspect dead letters. */
const KEPT = Duration.days(14);

export interface StageQueueProps {
  /** The stage that reads the queue. */
  stage: string;
  /** The bastion, if the stage has a queue for each. */
  bastion?: string;
  /** The time-out of the function that reads the queue. */
  timeout: Duration;
  /** The number of tries before a message counts as failed for good. */
  maxReceiveCount: number;
  times: QueueTimes;
  /** In order, and one at a time within a message group. */
  fifo?: true;
  ageSection?: 'evaluation-lag';
  /** The function fails as a whole, and does not report single messages. */
  failsWhole?: true;
  /** The function drops a message before it is old enough for an alarm. */
  dropsOld?: true;
  topic: ITopic;
}

/** A queue in front of a function, with its dead letters and the alarms of both. */
export function createStageQueue(
  scope: Construct,
  id: string,
  props: StageQueueProps,
): { queue: Queue; deadLetters: Queue } {
  const { stage, bastion, timeout, maxReceiveCount, times, fifo, topic } = props;
  const oldest = Duration.seconds(times.oldest);
  const here = new Construct(scope, id);
  const name = nameOf({ stage, bastion });
  const deadLetters = createQueueOfDead(here, { name, topic, fifo });
  const queue = new Queue(here, 'Queue', {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.seconds(times.retention),
    visibilityTimeout: Duration.seconds(visibilitySeconds(timeout.toSeconds())),
    deadLetterQueue: { queue: deadLetters, maxReceiveCount },
    ...(fifo && { fifo }),
  });
  const section = props.ageSection ?? 'old-messages';
  alarmOnAge(here, topic, { name, queue, oldest, section });
  // The other messages become dead letters before SQS leaves them out.
  if (maxReceiveCount >= LEFT_OUT_AT && !props.failsWhole && !props.dropsOld)
    alarmOnFailingAge(here, topic, { stage, oldest, section });
  writeDown(here, { stage, bastion, deadLetters: deadLetters.queueUrl, queue: queue.queueUrl });
  return { queue, deadLetters };
}

/** Keeps failed calls that came from no queue until somebody inspects them. */
export function createDeadLetters(
  scope: Construct,
  { stage, topic }: { stage: string; topic: ITopic },
): Queue {
  const queue = createQueueOfDead(scope, { name: stage, topic });
  writeDown(scope, { stage, deadLetters: queue.queueUrl });
  return queue;
}

/** For `bartizan dead-letters`: CloudFormation makes up names of queues, and shortens them. */
function writeDown(scope: Construct, entry: DeadLetterQueue): void {
  const { stage, bastion } = entry;
  new StringParameter(scope, 'DeadLettersParameter', {
    description: `Bartizan: where the dead letters of ${nameOf(entry)} are`,
    parameterName: [deadLettersPath(deploymentName(scope)), stage, bastion]
      .filter((part) => part !== undefined)
      .join('/'),
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
