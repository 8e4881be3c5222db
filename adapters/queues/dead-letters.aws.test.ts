// Against an emulator that has no tasks to move messages, with queues as the stacks make them.
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Emulator, startEmulator } from '../../localstack/emulator.ts';
import { DEFAULT_NAME, deadLettersPath } from '../aws/deployment.ts';
import { createDeadLetters, type DeadLetterQueue } from './dead-letters.ts';
import { messageText } from './message-text.ts';
import { encodeMessage } from './messages.ts';
import { readLetters, redrive } from './redrive.ts';

let emulator: Emulator;
let sqs: SQSClient;
beforeAll(async () => {
  // One of its own: it is to be a deployment of nothing but this.
  emulator = await startEmulator({ running: undefined });
  sqs = new SQSClient({ ...emulator.client, useQueueUrlAsEndpoint: false });
});
afterAll(async () => {
  sqs.destroy();
  await emulator.stop();
});

async function create(name: string, attributes: Record<string, string>): Promise<string> {
  const fifo = name.endsWith('.fifo') ? { FifoQueue: 'true' } : {};
  const { QueueUrl = '' } = await sqs.send(
    new CreateQueueCommand({ QueueName: name, Attributes: { ...attributes, ...fifo } }),
  );
  return QueueUrl;
}

/** A queue, its dead letters after one failed try, and the parameter that says so. */
async function deployStage(stage: string, suffix = ''): Promise<Required<Omit<DeadLetterQueue, 'bastion'>>> {
  const deadLetters = await create(`${stage}-dead${suffix}`, {});
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: deadLetters, AttributeNames: ['QueueArn'] }),
  );
  const policy = { deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: 1 };
  const queue = await create(`${stage}${suffix}`, { RedrivePolicy: JSON.stringify(policy) });
  const entry = { stage, deadLetters, queue };
  const ssm = new SSMClient(emulator.client);
  const Name = `${deadLettersPath(DEFAULT_NAME)}/${stage}`;
  await ssm.send(new PutParameterCommand({ Name, Value: JSON.stringify(entry), Type: 'String' }));
  ssm.destroy();
  return entry;
}

async function receive(QueueUrl: string, VisibilityTimeout: number) {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      VisibilityTimeout,
      MaxNumberOfMessages: 10,
      MessageSystemAttributeNames: ['MessageGroupId'],
    }),
  );
  return Messages;
}

/** A function that fails at each, once. */
async function fail({ queue }: { queue: string }): Promise<void> {
  await receive(queue, 0);
  await receive(queue, 0);
}

it('nothing deployed is said as such', async () => {
  const deadLetters = await createDeadLetters(emulator.client);
  await expect(deadLetters.list()).rejects.toThrow(/nothing is deployed in us-east-1/);
  deadLetters.close();
});

it('poison of a standard queue goes back and is handled', async () => {
  const store = await deployStage('store');
  for (let i = 0; i < 23; i++) {
    const MessageBody = encodeMessage({ i });
    await sqs.send(new SendMessageCommand({ QueueUrl: store.queue, MessageBody }));
  }
  for (let i = 0; i < 3; i++) await fail(store);
  const deadLetters = await createDeadLetters(emulator.client);
  expect(await deadLetters.list()).toEqual([store]);
  expect(await deadLetters.count(store)).toMatchObject({ count: 23, oldestMs: expect.any(Number) });
  expect(await readLetters(store, 5, deadLetters)).toHaveLength(5);
  // Neither counting nor reading hides anything.
  expect(await deadLetters.count(store)).toMatchObject({ count: 23 });

  expect(await redrive(store, { to: 'back', most: 20 }, deadLetters)).toMatchObject({ done: 20, failed: 0 });
  expect(await deadLetters.count(store)).toMatchObject({ count: 3 });
  expect(await redrive(store, { to: 'back', most: 3 }, deadLetters)).toMatchObject({ done: 3 });
  const handled = new Set<number>();
  for (let i = 0; i < 3; i++) {
    for (const { Body = '', ReceiptHandle } of await receive(store.queue, 60)) {
      handled.add((JSON.parse(Body) as { i: number }).i);
      await sqs.send(new DeleteMessageCommand({ QueueUrl: store.queue, ReceiptHandle }));
    }
  }
  expect(handled.size).toBe(23);
  expect(await deadLetters.count(store)).toEqual({ count: 0 });
  deadLetters.close();
});

it('of a FIFO queue within its five minutes too, in its group and in order', async () => {
  const deliver = await deployStage('deliver', '.fifo');
  const groups = ['a', 'b', 'a', 'a'];
  for (const [i, group] of groups.entries()) {
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: deliver.queue,
        MessageBody: encodeMessage({ incidentId: `${group}${i}` }),
        MessageGroupId: group,
        MessageDeduplicationId: `id-${i}`,
      }),
    );
  }
  const deadLetters = await createDeadLetters(emulator.client);
  for (let i = 0; i < 3; i++) await fail(deliver);
  const shown = await readLetters(deliver, 10, deadLetters);
  expect(shown.map(({ body }) => messageText('deliver', body)).toSorted()).toEqual(
    ['a0', 'a2', 'a3', 'b1'].map((id) => `delivery of incident ${id}`),
  );
  expect(await redrive(deliver, { to: 'back', most: 4 }, deadLetters)).toMatchObject({ done: 4, failed: 0 });
  const back: string[] = [];
  for (let i = 0; i < 4; i++) {
    for (const { Body = '', ReceiptHandle, Attributes } of await receive(deliver.queue, 60)) {
      back.push(`${Attributes?.MessageGroupId}: ${(JSON.parse(Body) as { incidentId: string }).incidentId}`);
      await sqs.send(new DeleteMessageCommand({ QueueUrl: deliver.queue, ReceiptHandle }));
    }
  }
  expect(back.filter((text) => text.startsWith('a'))).toEqual(['a: a0', 'a: a2', 'a: a3']);
  expect(back).toHaveLength(4);
  expect(await deadLetters.count(deliver)).toEqual({ count: 0 });
  deadLetters.close();
});
