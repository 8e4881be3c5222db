import type { SQSEvent } from 'aws-lambda';
import { expect, it } from 'vitest';
import { encodeMessage } from '../adapters/queues/messages.ts';
import { createMeter } from '../local/meter.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { eachMessage } from './batch.ts';

it('the oldest message is handled first, in whatever order they came; one that cannot be read delays no other', async () => {
  const dead: string[] = [];
  const queues = {
    send: async (_: string, messages: readonly { body: string }[]) =>
      void dead.push(...messages.map(({ body }) => body)),
    extendVisibility: async () => undefined,
    deadLettersOf: async () => 'dead',
  };
  const bodies = [3, 1, 'poison', 4, 1, 5].map((at) => (typeof at === 'string' ? at : encodeMessage({ at })));
  const Records = bodies.map((body, i) => ({
    messageId: `m${i}`,
    body,
    receiptHandle: `${i}`,
    attributes: { ApproximateReceiveCount: '1', SentTimestamp: '0' },
    eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:store',
  }));
  const seen: string[] = [];
  const answer = await eachMessage(
    { Records } as unknown as SQSEvent,
    {
      queues,
      clock: { nowMs: () => 0 },
      logger: createRecordingLogger(),
      meter: createMeter(),
      remainingMs: () => 60_000,
    },
    async (message, { messageId }) => {
      const { at } = message as { at: number };
      seen.push(`${messageId}:${at}`);
      if (at === 4) throw new Error('later');
    },
    (message) => (message as { at: number }).at,
  );
  expect(seen).toEqual(['m1:1', 'm4:1', 'm0:3', 'm3:4', 'm5:5']);
  expect(answer.batchItemFailures).toEqual([{ itemIdentifier: 'm3' }]);
  expect(dead).toEqual(['poison']);
});
