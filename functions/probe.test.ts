import type { Context, SQSEvent } from 'aws-lambda';
import { expect, it } from 'vitest';
import type { Batch, BatchObservation } from '../core/model.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createProbe } from './probe.ts';
import type { World } from './world.ts';

it('knows the clusters of sources before it probes: one may be new', async () => {
  const batch: Batch = {
    roundMs: 60_000,
    bastion: 'b',
    index: 0,
    count: 1,
    checks: ['usage'],
    targets: [],
    expiresAtMs: 120_000,
  };
  const done: string[] = [];
  const observation: BatchObservation = { batch, bastion: { ok: true }, observations: [] };
  const world = {
    environment: { BARTIZAN_STORE_QUEUE: 'https://q/store' },
    clock: { nowMs: () => 61_000 },
    logger: createRecordingLogger(),
    meter: { count: () => {}, gauge: () => {} },
    queues: async () => ({ send: async (url: string) => void done.push(url), hide: async () => {} }),
    state: async () => ({ putAuditHead: async () => {} }),
    fleet: async () => ({ list: async () => void done.push('listed') }),
    prober: async () => ({
      prober: {
        async probe() {
          done.push('probed');
          return observation;
        },
      },
      audit: { head: () => ({ writer: 'w', sequence: 1, hash: '' }) },
    }),
  } as unknown as World;
  const event = {
    Records: [
      {
        body: JSON.stringify(batch),
        eventSourceARN: 'arn:aws:sqs:r:1:q',
        attributes: { ApproximateReceiveCount: '1' },
      },
    ],
  } as unknown as SQSEvent;
  const context = { getRemainingTimeInMillis: () => 60_000 } as Context;
  expect(await createProbe(() => world)(event, context)).toEqual({ batchItemFailures: [] });
  expect(done).toEqual(['listed', 'probed', 'https://q/store']);
});
