import type { Context, SQSEvent } from 'aws-lambda';
import { expect, it, vi } from 'vitest';
import { decodeMessage } from '../adapters/queues/messages.ts';
import { meterTo } from '../core/meter.ts';
import type { AuditEntry } from '../core/model/audit.ts';
import type { Batch } from '../core/model/batch.ts';
import type { BatchObservation, Observation } from '../core/model/observation.ts';
import type { Target } from '../core/model/target.ts';
import type { ProbeOptions } from '../core/ports.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createProbe } from './probe.ts';
import type { Services } from './services.ts';

it('probe reads the clusters of sources before it probes, because one may be new', async () => {
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
  const services = {
    environment: { BARTIZAN_STORE_QUEUE: 'https://q/store' },
    clock: { nowMs: () => 61_000 },
    logger: createRecordingLogger(),
    meter: meterTo(() => {}),
    queues: async () => ({
      send: async (url: string) => void done.push(url),
      extendVisibility: async () => {},
    }),
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
  } as unknown as Services;
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
  expect(await createProbe(() => services)(event, context)).toEqual({ batchItemFailures: [] });
  expect(done).toEqual(['listed', 'probed', 'https://q/store']);
});

it('probe sends the answers of nodes while it waits for a silent one of their batch, and then the whole batch', async () => {
  vi.useFakeTimers();
  const target = (node: string): Target => ({
    ...{ cluster: 'c', node, role: 'etcd', bastion: 'b' },
    ...{ host: 'h', port: 22, user: 'u', hostKeys: [] },
  });
  const batch: Batch = {
    roundMs: 60_000,
    bastion: 'b',
    index: 0,
    count: 1,
    checks: ['usage'],
    targets: ['good', 'silent', 'loud'].map(target),
    expiresAtMs: 120_000,
  };
  const base = { check: 'usage', roundMs: 60_000, observedAtMs: 60_000, durationMs: 5 };
  const good: Observation = { ...base, target: target('good'), result: { ok: true, samples: [], notes: [] } };
  const failure = { reason: 'timeout', phase: 'exec', detail: '' } as const;
  const silent: Observation = { ...base, target: target('silent'), result: { ok: false, failure } };
  const mounts = Array.from({ length: 2_000 }, (_, i) => ({
    ...{ metric: 'disk_usage', timeMs: 60_000, value: 9 },
    labels: { cluster: 'c', node: 'loud', role: 'etcd', mount: `/${'x'.repeat(600)}${i}`, device: 'd' },
  }));
  const loud: Observation = {
    ...{ ...base, target: target('loud') },
    result: { ok: true, samples: mounts, notes: [] },
  };
  const counted: [string, unknown][] = [];
  const sent: { atMs: number; message: BatchObservation & { partial?: true } }[] = [];
  const startMs = Date.now();
  const services = {
    environment: { BARTIZAN_STORE_QUEUE: 'https://q/store' },
    clock: { nowMs: () => 61_000 },
    logger: createRecordingLogger(),
    meter: meterTo(({ name, labels }) => void counted.push([name, labels])),
    queues: async () => ({
      send: async (_url: string, messages: { body: string }[]) => {
        for (const { body } of messages)
          sent.push({ atMs: Date.now() - startMs, message: decodeMessage(body) as BatchObservation });
      },
    }),
    state: async () => ({ putAuditHead: async () => {} }),
    fleet: async () => ({ list: async () => {} }),
    prober: async () => ({
      prober: {
        async probe(_batch: Batch, { onNode }: ProbeOptions) {
          onNode?.([good]);
          await new Promise((resolve) => setTimeout(resolve, 20_000));
          onNode?.([silent]);
          const repeats = [{ metric: 'cert_expiry', labels: { node: 'good' }, timeMs: 60_000, value: 1 }];
          return { batch, bastion: { ok: true }, observations: [good, silent, loud], repeats };
        },
      },
      audit: { head: () => ({ writer: 'w', sequence: 1, hash: '' }) },
    }),
  } as unknown as Services;
  const event = {
    Records: [
      {
        body: JSON.stringify(batch),
        eventSourceARN: 'arn:aws:sqs:r:1:q',
        attributes: { ApproximateReceiveCount: '1' },
      },
    ],
  } as unknown as SQSEvent;
  try {
    const called = createProbe(() => services)(event, { getRemainingTimeInMillis: () => 60_000 } as Context);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await called).toEqual({ batchItemFailures: [] });
  } finally {
    vi.useRealTimers();
  }
  expect(
    sent.map(({ atMs, message }) => [
      atMs,
      message.partial ?? false,
      message.observations.map(({ target: { node }, result }) => `${node} ${result.ok}`),
      message.repeats?.length ?? 0,
    ]),
  ).toEqual([
    [10_000, true, ['good true'], 0],
    [20_000, false, ['good true', 'silent false', 'loud false'], 0],
    [20_000, true, [], 1],
  ]);
  expect(counted).toContainEqual(['observations_too_large_total', { check: 'usage' }]);
});

it.each([
  ['is due', 61_000, ['tried-again', 'flush', 'anchored', 'probed', 'anchored']],
  ['has expired', 130_000, ['tried-again', 'flush', 'anchored']],
])('the audit records that a batch comes again, also when it %s', async (_what, nowMs, expected) => {
  const batch: Batch = {
    roundMs: 60_000,
    bastion: 'b',
    index: 2,
    count: 10,
    checks: ['usage'],
    targets: [],
    expiresAtMs: 120_000,
  };
  const done: string[] = [];
  const entries: AuditEntry[] = [];
  const services = {
    environment: { BARTIZAN_STORE_QUEUE: 'https://q/store' },
    clock: { nowMs: () => nowMs },
    logger: createRecordingLogger(),
    meter: meterTo(() => {}),
    queues: async () => ({ send: async () => {} }),
    state: async () => ({ putAuditHead: async () => void done.push('anchored') }),
    fleet: async () => ({ list: async () => {} }),
    prober: async () => ({
      prober: {
        async probe() {
          done.push('probed');
          return { batch, bastion: { ok: true }, observations: [] };
        },
      },
      audit: {
        async append(more: readonly AuditEntry[]) {
          entries.push(...more);
          done.push(...more.map(({ outcome }) => outcome));
        },
        flush: async () => void done.push('flush'),
        head: () => ({ writer: 'w', sequence: 1, hash: '' }),
      },
    }),
  } as unknown as Services;
  const event = {
    Records: [
      {
        body: JSON.stringify(batch),
        eventSourceARN: 'arn:aws:sqs:r:1:q',
        attributes: { ApproximateReceiveCount: '2' },
      },
    ],
  } as unknown as SQSEvent;
  await createProbe(() => services)(event, { getRemainingTimeInMillis: () => 60_000 } as Context);
  expect(done).toEqual(expected);
  expect(entries).toMatchObject([{ bastion: 'b', batch: '3 of 10, round 1970-01-01T00:01:00.000Z' }]);
});
