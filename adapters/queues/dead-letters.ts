// Dead-letter queues of a deployment: where they are, what lies in them, and the way back.
import type { Message } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { ConfigError } from '../../core/errors.ts';
import type { AwsClient } from '../aws/client.ts';
import { awsError } from '../aws/errors.ts';
import { queueName } from './sqs.ts';

/** The stacks write a parameter for each dead-letter queue under it. Where there is none, nothing is deployed. */
export const DEAD_LETTERS_PATH = '/bartizan/deployment/dead-letters';

/** Value of such a parameter, as JSON. `queue` is where a message came from; a start of a round came from none. */
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
  /** When it was put into its queue; FIFO queues begin anew with the dead letters. */
  sentMs: number;
  /** FIFO: its message group. */
  groupId?: string | undefined;
  /** What the schedule says of a start that it gave up. */
  errorCode?: string | undefined;
}

/** All throw ConfigError | PermanentError | RetryableError. */
export interface DeadLetters {
  /** By stage and bastion. @throws ConfigError also where nothing is deployed */
  list(): Promise<DeadLetterQueue[]>;
  /** How many can be received, approximately, and how old the oldest of up to ten is. */
  count(queue: DeadLetterQueue): Promise<{ count: number; oldestMs?: number }>;
  /** Up to ten messages, hidden for so long; of a group of a FIFO queue none while another is hidden. */
  receive(queue: DeadLetterQueue, options: { most: number; hideSeconds: number }): Promise<DeadLetter[]>;
  /** Puts a copy into the queue it came from. */
  sendBack(queue: DeadLetterQueue, letter: DeadLetter): Promise<void>;
  /** Resolves to those that are still there. */
  remove(queue: DeadLetterQueue, letters: readonly DeadLetter[]): Promise<DeadLetter[]>;
  /** Received ones can be received again. Those that cannot be told so come back by themselves. */
  release(queue: DeadLetterQueue, letters: readonly DeadLetter[]): Promise<void>;
  close(): void;
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html */
const MOST_AT_ONCE = 10;
/** A queue asks all of its servers while it waits, and not only some. */
const WAIT_S = 1;

/** Nothing is asked before the first call. */
export async function createDeadLetters(aws: AwsClient = {}): Promise<DeadLetters> {
  const [ssm, sqs] = await Promise.all([import('@aws-sdk/client-ssm'), import('@aws-sdk/client-sqs')]);
  const parameters = new ssm.SSMClient(aws);
  // Queues are asked where the client is told to ask: the host in the address of an emulator's may be none here.
  const queues = new sqs.SQSClient({ ...aws, useQueueUrlAsEndpoint: false });

  /** @throws typed, naming the queue */
  async function tell<T>(url: string, asking: () => Promise<T>): Promise<T> {
    const name = `queue ${queueName(url)}`;
    try {
      return await asking();
    } catch (cause) {
      if (/NonExistentQueue|QueueDoesNotExist/.test((cause as Error).name))
        throw new ConfigError(`${name}: it is gone; deploy again`, { cause });
      throw awsError(cause, name);
    }
  }

  async function receive(url: string, most: number, hideSeconds: number): Promise<DeadLetter[]> {
    const { Messages = [] } = await tell(url, () =>
      queues.send(
        new sqs.ReceiveMessageCommand({
          QueueUrl: url,
          MaxNumberOfMessages: Math.min(MOST_AT_ONCE, most),
          VisibilityTimeout: hideSeconds,
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
        const under = { Path: DEAD_LETTERS_PATH, Recursive: true };
        for await (const { Parameters = [] } of ssm.paginateGetParametersByPath(paging, under)) {
          for (const { Value = '' } of Parameters) found.push(parameterSchema.parse(JSON.parse(Value)));
        }
      } catch (cause) {
        if (cause instanceof SyntaxError || cause instanceof z.ZodError)
          throw new ConfigError(`parameters ${DEAD_LETTERS_PATH}: written by another version; deploy again`, {
            cause,
          });
        throw awsError(cause, `parameters ${DEAD_LETTERS_PATH}`);
      }
      if (found.length === 0) throw await notDeployed(parameters.config.region);
      return found;
    },
    async count({ deadLetters: url }) {
      const { Attributes } = await tell(url, () =>
        queues.send(
          new sqs.GetQueueAttributesCommand({
            QueueUrl: url,
            AttributeNames: ['ApproximateNumberOfMessages'],
          }),
        ),
      );
      const count = Number(Attributes?.ApproximateNumberOfMessages ?? 0);
      if (count === 0) return { count };
      // Hidden for no time: looking changes nothing for others.
      const some = await receive(url, MOST_AT_ONCE, 0);
      const oldestMs = Math.min(...some.map(({ sentMs }) => sentMs));
      return { count, ...(some.length > 0 && { oldestMs }) };
    },
    receive: ({ deadLetters }, { most, hideSeconds }) => receive(deadLetters, most, hideSeconds),
    async sendBack({ queue, deadLetters }, { id, body, groupId }) {
      if (queue === undefined)
        throw new ConfigError(`queue ${queueName(deadLetters)}: its messages came from no queue`);
      await tell(queue, () =>
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
      const { Failed = [] } = await tell(url, () =>
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

async function notDeployed(region: () => Promise<string>): Promise<ConfigError> {
  return new ConfigError(
    `nothing is deployed in ${await region()} of this account: no parameter under ${DEAD_LETTERS_PATH}; ` +
      'set AWS_REGION and AWS_PROFILE to where it is, or deploy with `npm run deploy`',
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
