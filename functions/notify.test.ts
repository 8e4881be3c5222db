import type { Context, SQSEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import type { QueueMessage } from '../adapters/queues/sqs.ts';
import type { StateStore } from '../core/ports.ts';
import { incidentOf, putIncidents, T0 } from '../test/contract/state-fixtures.ts';
import { createMemoryState } from '../test/memory-state.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createNotify } from './notify.ts';
import type { World } from './world.ts';

const NOTIFY = 'https://q/notify';
const DELIVER = 'https://q/deliver.fifo';

async function call(state: StateStore, remainingMs: number) {
  const sent = new Map<string, QueueMessage[]>();
  const world = {
    environment: { BARTIZAN_NOTIFY_QUEUE: NOTIFY, BARTIZAN_DELIVER_QUEUE: DELIVER },
    clock: { nowMs: () => T0 },
    logger: createRecordingLogger(),
    meter: { count: () => {}, gauge: () => {} },
    queues: async () => ({
      send: async (url: string, messages: QueueMessage[]) =>
        void sent.set(url, [...(sent.get(url) ?? []), ...messages]),
    }),
    // None of them is decided again because of a change.
    state: async () => ({ ...state, openIncidents: async () => [] }),
    config: async () => ({ rules: [], routes: [], channels: [], silences: [] }),
  } as unknown as World;
  const context = { getRemainingTimeInMillis: () => remainingMs } as Context;
  await createNotify(() => world)({ Records: [] } as unknown as SQSEvent, context);
  return { deliveries: sent.get(DELIVER) ?? [], wakes: sent.get(NOTIFY) ?? [] };
}

const due = (count: number) =>
  Array.from({ length: count }, (_, i) => incidentOf(`i${i}`, { dueAtMs: T0 - count + i }));

describe('notify', () => {
  it('hands on what is due, the first first, and comes again where that was not all', async () => {
    const state = createMemoryState();
    await putIncidents(state, ...due(1_200));
    const { deliveries, wakes } = await call(state, 60_000);
    expect(deliveries).toHaveLength(1_000);
    expect(deliveries[0]?.fifo).toEqual({ groupId: 'i0', deduplicationId: 'i0-1' });
    expect(wakes).toEqual([{ body: '{"why":"more"}', delaySeconds: 5 }]);
  });

  it('hands on what is due before its time is over, however long the outbox is', async () => {
    const state = createMemoryState();
    await putIncidents(state, ...due(3));
    let pages = 0;
    const endless: StateStore = {
      ...state,
      async dueOutbox(_, limit) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        const labels = { cluster: 'c', node: 'n', role: 'etcd' };
        const transition = { kind: 'firing', rule: 'gone', alertId: `a${++pages}`, labels } as never;
        return Array.from({ length: limit }, (__, i) => ({ id: `${pages}-${i}`, dueAtMs: T0, transition }));
      },
    };
    const { deliveries, wakes } = await call(endless, 20_000);
    expect(deliveries).toHaveLength(3);
    expect(wakes).toEqual([{ body: '{"why":"more"}', delaySeconds: 5 }]);
  });

  it('comes by itself when the next is due, and not at all where nothing is', async () => {
    const state = createMemoryState();
    expect(await call(state, 60_000)).toEqual({ deliveries: [], wakes: [] });
    await putIncidents(state, incidentOf('soon', { dueAtMs: T0 + 4_200 }));
    const { deliveries, wakes } = await call(state, 60_000);
    expect(deliveries).toEqual([]);
    expect(wakes).toEqual([{ body: '{"why":"due"}', delaySeconds: 5 }]);
  });
});
