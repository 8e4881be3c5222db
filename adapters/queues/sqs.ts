import { ConfigError } from '../../core/errors.ts';
import type { AwsClient } from '../aws/client.ts';
import { awsError } from '../aws/errors.ts';
import { MESSAGE_LIMIT_BYTES } from './messages.ts';

export interface QueueMessage {
  body: string;
  /** Not seen before; at most 900. Not for FIFO queues. */
  delaySeconds?: number;
  /** FIFO: messages of a group one after the other, one of an id only within five minutes. */
  fifo?: { groupId: string; deduplicationId: string } | undefined;
}

export interface Queues {
  /** All, in as few requests as the limits allow. @throws RetryableError | ConfigError when one was not taken */
  send(queueUrl: string, messages: readonly QueueMessage[]): Promise<void>;
  /** Keeps a received message invisible for this long. */
  extendVisibility(queueUrl: string, receiptHandle: string, seconds: number): Promise<void>;
  /** Address of the queue's dead-letter queue. @throws ConfigError when it has none */
  deadLettersOf(queueUrl: string): Promise<string>;
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html */
const BATCH = 10;
/** Most bytes for all messages of a request together. */
const BATCH_BYTES = 256 * 1024;

export async function createQueues(client: AwsClient = {}): Promise<Queues> {
  const { ChangeMessageVisibilityCommand, GetQueueAttributesCommand, SendMessageBatchCommand, SQSClient } =
    await import('@aws-sdk/client-sqs');
  // The address of a queue may name its server otherwise than the region's or an emulator's endpoint, which is the one meant.
  const sqs = new SQSClient({ ...client, useQueueUrlAsEndpoint: false });
  return {
    async send(queueUrl, messages) {
      const name = queueName(queueUrl);
      for (const batch of batchesOf(messages)) {
        const Entries = batch.map(({ body, delaySeconds, fifo }, i) => ({
          Id: String(i),
          MessageBody: body,
          ...(delaySeconds !== undefined && { DelaySeconds: delaySeconds }),
          ...(fifo && { MessageGroupId: fifo.groupId, MessageDeduplicationId: fifo.deduplicationId }),
        }));
        const answer = await sqs
          .send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }))
          .catch((cause: unknown) => {
            throw awsError(cause, `queue ${name}`);
          });
        const failed = answer.Failed?.[0];
        if (failed) throw awsError({ name: failed.Code, message: failed.Message }, `queue ${name}`);
      }
    },
    async extendVisibility(queueUrl, receiptHandle, seconds) {
      const hiding = { QueueUrl: queueUrl, ReceiptHandle: receiptHandle, VisibilityTimeout: seconds };
      await sqs.send(new ChangeMessageVisibilityCommand(hiding)).catch((cause: unknown) => {
        throw awsError(cause, `queue ${queueName(queueUrl)}`);
      });
    },
    async deadLettersOf(queueUrl) {
      const what = `queue ${queueName(queueUrl)}`;
      const asked = new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['RedrivePolicy'] });
      const { Attributes } = await sqs.send(asked).catch((cause: unknown) => {
        throw awsError(cause, what);
      });
      const policy = JSON.parse(Attributes?.RedrivePolicy ?? '{}') as { deadLetterTargetArn?: string };
      if (policy.deadLetterTargetArn === undefined)
        throw new ConfigError(`${what} has no dead letters; deploy again`);
      return queueUrlOf(policy.deadLetterTargetArn);
    },
  };
}

/** The last part of an address. */
export function queueName(url: string): string {
  return url.split('/').at(-1) ?? url;
}

/** Address of a queue, from its ARN `arn:PARTITION:sqs:REGION:ACCOUNT:NAME`. */
export function queueUrlOf(arn: string): string {
  const [, partition, , region, account, name] = arn.split(':');
  const suffix = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
  return `https://sqs.${region}.${suffix}/${account}/${name}`;
}

/** In order, at most ten and 256 KiB each. */
export function batchesOf(messages: readonly QueueMessage[]): QueueMessage[][] {
  const batches: QueueMessage[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = Buffer.byteLength(message.body);
    if (size > MESSAGE_LIMIT_BYTES) throw new Error(`a message has ${size} bytes`);
    const last = batches.at(-1);
    if (last && last.length < BATCH && bytes + size <= BATCH_BYTES) {
      last.push(message);
      bytes += size;
    } else {
      batches.push([message]);
      bytes = size;
    }
  }
  return batches;
}
