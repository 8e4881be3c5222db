// Dead-letter queues of a deployment: lists them, reads them, and sends messages back.
import type { Message } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { ConfigError } from '../../core/errors.ts';
import type { AwsClient } from '../aws/client.ts';
import { DEFAULT_NAME, deadLettersPath } from '../aws/deployment.ts';
import { awsError } from '../aws/errors.ts';
import { queueName } from './sqs.ts';

/** JSON value of a queue's parameter. `queue` is the source of its messages; starts of rounds have none. */
const parameterSchema = z.object({
  stage: z.string(),
  bastion: z.string().optional(),
  deadLetters: z.url(),
  queue: z.url().optional(),
});

/** A dead-letter queue; `deadLetters` and `queue` are addresses. */
export type DeadLetterQueue = z.output<typeof parameterSchema>;

export interface DeadLetter {
  id: string;
  receipt: string;
  body: string;
  /** When it entered its queue; for FIFO queues, when it entered the dead-letter queue. */
  sentMs: number;
  /** FIFO: its message group. */
  groupId?: string | undefined;
  /** The schedule's reason for giving up a start. */
  errorCode?: string | undefined;
}

/** All throw ConfigError | PermanentError | RetryableError. */
export interface DeadLetters {
  /** By stage and bastion. @throws ConfigError also where nothing is deployed */
  list(): Promise<DeadLetterQueue[]>;
  /** How many can be received, approximately, and how old the oldest of up to ten is. */
  count(queue: DeadLetterQueue): Promise<{ count: number; oldestMs?: number }>;
  /** Up to ten messages, hidden for so long; of a group of a FIFO queue none while another is hidden. */
  receive(queue: DeadLetterQueue, options: { most: number; invisibleSeconds: number }): Promise<DeadLetter[]>;
  /** Puts a copy into the queue it came from. */
  sendBack(queue: DeadLetterQueue, letter: DeadLetter): Promise<void>;
  /** Resolves to those that are still there. */
  remove(queue: DeadLetterQueue, letters: readonly DeadLetter[]): Promise<DeadLetter[]>;
  /** Makes received messages visible again. Those for which that fails become visible by themselves later. */
  release(queue: DeadLetterQueue, letters: readonly DeadLetter[]): Promise<void>;
  close(): void;
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html */
const RECEIVE_LIMIT = 10;
/** With a wait SQS asks all of its servers, and not only some. */
const WAIT_S = 1;

/** Nothing is asked before the first call. `name` is that of the deployment. */
export async function createDeadLetters(
  aws: AwsClient = {},
  name: string = DEFAULT_NAME,
): Promise<DeadLetters> {
  const path = deadLettersPath(name);
  const [ssm, sqs] = await Promise.all([import('@aws-sdk/client-ssm'), import('@aws-sdk/client-sqs')]);
  const parameters = new ssm.SSMClient(aws);
  // Queues are asked where the client is told to ask: the host in the address of an emulator's may be none here.
  const queues = new sqs.SQSClient({ ...aws, useQueueUrlAsEndpoint: false });

  /** @throws typed, naming the queue */
  async function withTypedErrors<T>(url: string, asking: () => Promise<T>): Promise<T> {
    const name = `queue ${queueName(url)}`;
    try {
      return await asking();
    } catch (cause) {
      if (/NonExistentQueue|QueueDoesNotExist/.test((cause as Error).name))
        throw new ConfigError(`${name}: it is gone; deploy again`, { cause });
      throw awsError(cause, name);
    }
  }

  async function receive(url: string, most: number, invisibleSeconds: number): Promise<DeadLetter[]> {
    const { Messages = [] } = await withTypedErrors(url, () =>
      queues.send(
        new sqs.ReceiveMessageCommand({
          QueueUrl: url,
          MaxNumberOfMessages: Math.min(RECEIVE_LIMIT, most),
          VisibilityTimeout: invisibleSeconds,
          WaitTimeSeconds: WAIT_S,
          MessageSystemAttributeNames: ['SentTimestamp', 'MessageGroupId'],
          MessageAttributeNames: ['ERROR_CODE'],
        }),
      ),
    );
    return Messages.map(letterOf);
  }

  return {
    async list() {
      const found: DeadLetterQueue[] = [];
      try {
        const paging = { client: parameters, pageSize: 10 };
        const under = { Path: path, Recursive: true };
        for await (const { Parameters = [] } of ssm.paginateGetParametersByPath(paging, under)) {
          for (const { Value = '' } of Parameters) found.push(parameterSchema.parse(JSON.parse(Value)));
        }
      } catch (cause) {
        if (cause instanceof SyntaxError || cause instanceof z.ZodError)
          throw new ConfigError(`parameters ${path}: written by another version; deploy again`, {
            cause,
          });
        throw awsError(cause, `parameters ${path}`);
      }
      if (found.length === 0) throw await notDeployed(path, parameters.config.region);
      return found;
    },
    async count({ deadLetters: url }) {
      const { Attributes } = await withTypedErrors(url, () =>
        queues.send(
          new sqs.GetQueueAttributesCommand({
            QueueUrl: url,
            AttributeNames: ['ApproximateNumberOfMessages'],
          }),
        ),
      );
      const count = Number(Attributes?.ApproximateNumberOfMessages ?? 0);
      if (count === 0) return { count };
      // Invisible for no time: the others still see them.
      const some = await receive(url, RECEIVE_LIMIT, 0);
      const oldestMs = Math.min(...some.map(({ sentMs }) => sentMs));
      return { count, ...(some.length > 0 && { oldestMs }) };
    },
    receive: ({ deadLetters }, { most, invisibleSeconds }) => receive(deadLetters, most, invisibleSeconds),
    async sendBack({ queue, deadLetters }, { id, body, groupId }) {
      if (queue === undefined)
        throw new ConfigError(`queue ${queueName(deadLetters)}: its messages came from no queue`);
      await withTypedErrors(queue, () =>
        queues.send(
          new sqs.SendMessageCommand({
            QueueUrl: queue,
            MessageBody: body,
            // Not the id it had: SQS drops what has one that it saw within five minutes, and the message would be lost.
            ...(groupId !== undefined && {
              MessageGroupId: groupId,
              MessageDeduplicationId: `again-${id}`,
            }),
          }),
        ),
      );
    },
    async remove({ deadLetters: url }, letters) {
      if (letters.length === 0) return [];
      const Entries = letters.map(({ receipt }, i) => ({ Id: String(i), ReceiptHandle: receipt }));
      const { Failed = [] } = await withTypedErrors(url, () =>
        queues.send(new sqs.DeleteMessageBatchCommand({ QueueUrl: url, Entries })),
      );
      return Failed.flatMap(({ Id }) => letters[Number(Id)] ?? []);
    },
    async release({ deadLetters: url }, letters) {
      const show = (receipt: string) =>
        new sqs.ChangeMessageVisibilityCommand({
          QueueUrl: url,
          ReceiptHandle: receipt,
          VisibilityTimeout: 0,
        });
      await Promise.allSettled(letters.map(({ receipt }) => queues.send(show(receipt))));
    },
    close() {
      parameters.destroy();
      queues.destroy();
    },
  };
}

async function notDeployed(path: string, region: () => Promise<string>): Promise<ConfigError> {
  return new ConfigError(
    `nothing is deployed in ${await region()} of this account: no parameter under ${path}; ` +
      'set AWS_REGION and AWS_PROFILE to where it is, say `--name` where it has one, or deploy with `npm run deploy`',
  );
}

function letterOf({
  MessageId = '',
  ReceiptHandle = '',
  Body = '',
  Attributes,
  MessageAttributes,
}: Message): DeadLetter {
  return {
    id: MessageId,
    receipt: ReceiptHandle,
    body: Body,
    sentMs: Number(Attributes?.SentTimestamp ?? 0),
    groupId: Attributes?.MessageGroupId,
    errorCode: MessageAttributes?.ERROR_CODE?.StringValue,
  };
}
