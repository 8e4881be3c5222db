import type { Context, SQSEvent } from 'aws-lambda';
import { expect, it } from 'vitest';
import { encodeMessage, repeatMessages } from '../adapters/queues/messages.ts';
import { RetryableError } from '../core/errors.ts';
import { createMeter } from '../local/meter.ts';
import { observeFleet } from '../test/cloud/fleet.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import type { Services } from './services.ts';
import { createStore } from './store.ts';

const NOW = 1_700_000_000_000;
const CALL_MS = 75_000;

/** A call with that many messages, each received that often, of a store that takes that long for each. */
async function call(messages: number, writeMs: number, receives = 1) {
  let nowMs = NOW;
  const hidden: [handle: string, seconds: number][] = [];
  const written: number[] = [];
  const meter = createMeter();
  const logger = createRecordingLogger();
  const services = {
    environment: { BARTIZAN_SHARDS: 1 },
    clock: { nowMs: () => nowMs },
    logger,
    meter,
    queues: async () => ({
      extendVisibility: async (_: string, handle: string, s: number) => void hidden.push([handle, s]),
    }),
    config: async () => ({ rules: [], checks: [], schedule: { latenessMs: 600_000 } }),
    state: async () => ({ putTargetStatus: async () => undefined }),
    store: async () => ({
      write: async (samples: readonly { timeMs: number }[]) => {
        written.push(samples[0]?.timeMs ?? 0);
        nowMs += writeMs;
        return { written: samples.length, duplicates: 0, rejected: [] };
      },
    }),
  } as unknown as Services;
  const observation = (i: number) => {
    const roundMs = NOW - i * 60_000;
    const target = {
      cluster: 'c0',
      node: `n${i}`,
      role: 'etcd' as const,
      bastion: 'b0',
      host: 'h',
      port: 22,
      hostKeys: [],
      user: 'u',
    };
    return observeFleet({
      roundMs,
      bastion: 'b0',
      index: 0,
      count: 1,
      checks: ['usage'],
      targets: [target],
      expiresAtMs: NOW,
    });
  };
  const Records = Array.from({ length: messages }, (_, i) => ({
    messageId: `m${i}`,
    receiptHandle: `h${i}`,
    body: encodeMessage(observation(i)),
    attributes: { ApproximateReceiveCount: String(receives), SentTimestamp: String(NOW - 1_000_000) },
    eventSourceARN: 'arn:aws:sqs:us-east-1:1:store',
  }));
  const context = {
    functionName: 'store',
    awsRequestId: 'r',
    getRemainingTimeInMillis: () => CALL_MS - (nowMs - NOW),
  } as Context;
  const answer = await createStore(() => services)({ Records } as unknown as SQSEvent, context);
  const failed = answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  return { failed, written, hidden, meter, logger, tookMs: nowMs - NOW };
}

it('with a slow store the call ends in time, written messages leave the queue, and the others are visible again at once', async () => {
  const { failed, written, hidden, meter, logger, tookMs } = await call(10, 8_000);
  // Oldest first; a sixth would begin with 35 s left.
  expect(written.map((ms) => (NOW - ms) / 60_000)).toEqual([9, 8, 7, 6, 5]);
  expect(failed.sort()).toEqual(['m0', 'm1', 'm2', 'm3', 'm4']);
  expect(hidden.sort()).toEqual([0, 1, 2, 3, 4].map((i) => [`h${i}`, 5]));
  expect(tookMs).toBeLessThan(CALL_MS);
  expect(meter.total('messages_put_off_total')).toBe(5);
  expect(meter.total('messages_retried_total')).toBe(0);
  expect(logger.lines.map(({ message }) => message)).toContainEqual(expect.stringContaining('took the time'));
});

it.each([1_000, 30_000, 37_000])(
  'a request of %d ms may be the last, and the call is not killed',
  async (writeMs) => {
    const { failed, written, tookMs } = await call(10, writeMs);
    expect(tookMs).toBeLessThan(CALL_MS);
    expect(written.length).toBeGreaterThan(0);
    expect(failed.length + written.length).toBe(10);
  },
);

it('the first message is tried however long it takes', async () => {
  expect((await call(10, 70_000)).written).toHaveLength(1);
});

it('the age of messages that stay is measured from the third receive on, because SQS leaves them out from then on', async () => {
  const aged = async (receives: number) =>
    /^bartizan_failing_message_age_seconds (.+)/m.exec((await call(10, 37_000, receives)).meter.text())?.[1];
  expect(await aged(2)).toBeUndefined();
  expect(await aged(3)).toBe(String(1_000 + 74));
});

it('last values are written again beside the samples; when the store fails with them, no message comes back', async () => {
  const repeats = [{ metric: 'cert_expiry', labels: { cluster: 'c', node: 'n' }, timeMs: NOW, value: 5 }];
  const batch = { roundMs: NOW, bastion: 'b', index: 0, count: 1, checks: [], targets: [], expiresAtMs: NOW };
  const [body = ''] = repeatMessages({ batch, bastion: { ok: true }, observations: [], repeats });
  const taken: unknown[] = [];
  const meter = createMeter();
  const logger = createRecordingLogger();
  let fails = false;
  const services = {
    environment: { BARTIZAN_SHARDS: 1 },
    clock: { nowMs: () => NOW },
    logger,
    meter,
    queues: async () => ({}),
    config: async () => ({ rules: [], checks: [], schedule: { latenessMs: 600_000 } }),
    state: async () => ({}),
    store: async () => ({
      write: async (samples: readonly unknown[]) => ({
        written: samples.length,
        duplicates: 0,
        rejected: [],
      }),
      async repeat(samples: readonly unknown[]) {
        if (fails) throw new RetryableError('503');
        taken.push(...samples);
        return samples.length;
      },
    }),
  } as unknown as Services;
  const attributes = { ApproximateReceiveCount: '1', SentTimestamp: String(NOW) };
  const Records = [
    { messageId: 'm', receiptHandle: 'h', body, attributes, eventSourceARN: 'a:b:c:d:e:store' },
  ];
  const context = { functionName: 'store', getRemainingTimeInMillis: () => CALL_MS } as Context;
  const run = () => createStore(() => services)({ Records } as unknown as SQSEvent, context);
  expect((await run()).batchItemFailures).toEqual([]);
  expect(taken).toEqual(repeats);
  fails = true;
  expect((await run()).batchItemFailures).toEqual([]);
  expect([meter.total('samples_repeated_total'), meter.total('samples_not_repeated_total')]).toEqual([1, 1]);
  expect(JSON.stringify(logger.lines)).toMatch(/not written again.*503/);
});
