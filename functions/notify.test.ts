import type { Context, SQSRecord } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { tickMessage } from '../adapters/queues/messages.ts';
import type { QueueMessage } from '../adapters/queues/sqs.ts';
import { meterTo } from '../core/meter.ts';
import type { StateStore } from '../core/ports.ts';
import { incidentOf, putIncidents, T0 } from '../test/contract/state-fixtures.ts';
import { createMemoryState } from '../test/memory-state.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createNotify } from './notify.ts';
import type { Services } from './services.ts';

const DELIVER = 'https://q/deliver.fifo';
const MINUTE = 60_000;

/** `records`: how often each was received, and its body. */
async function call(
  state: StateStore,
  { remainingMs = 60_000, nowMs = T0, records = [] as [receives: number, body: string][] } = {},
) {
  const sent = new Map<string, QueueMessage[]>();
  const hidden: number[] = [];
  const dead: string[] = [];
  let files = 0;
  const services = {
    environment: { BARTIZAN_DELIVER_QUEUE: DELIVER },
    clock: { nowMs: () => nowMs },
    logger: createRecordingLogger(),
    meter: meterTo(() => {}),
    queues: async () => ({
      async send(url: string, messages: QueueMessage[]) {
        if (url === 'dead') dead.push(...messages.map(({ body }) => body));
        else sent.set(url, [...(sent.get(url) ?? []), ...messages]);
      },
      extendVisibility: async (_url: string, _handle: string, seconds: number) => void hidden.push(seconds),
      deadLettersOf: async () => 'dead',
    }),
    bucket: async () => ({ get: async () => undefined, put: async () => void files++ }),
    // No change makes notify decide any of them again.
    state: async () => ({ ...state, openIncidents: async () => [] }),
    config: async () => ({ rules: [], routes: [], channels: [], silences: [], server: {} }),
  } as unknown as Services;
  const context = { getRemainingTimeInMillis: () => remainingMs } as Context;
  const Records = records.map(
    ([receives, body], i): SQSRecord =>
      ({
        messageId: `m${i}`,
        receiptHandle: `m${i}`,
        body,
        attributes: { ApproximateReceiveCount: String(receives), SentTimestamp: String(nowMs) },
        eventSourceARN: 'arn:aws:sqs:us-east-1:1:notify',
      }) as unknown as SQSRecord,
  );
  const { batchItemFailures } = await createNotify(() => services)({ Records }, context);
  const kept = batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  return { deliveries: sent.get(DELIVER) ?? [], sentTo: [...sent.keys()], kept, hidden, dead, files };
}

const due = (count: number) =>
  Array.from({ length: count }, (_, i) => incidentOf(`i${i}`, { dueAtMs: T0 - count + i }));

describe('notify', () => {
  it('sends messages for incidents that are due now or soon, in order, and for no others', async () => {
    const state = createMemoryState();
    expect(await call(state)).toMatchObject({ sentTo: [DELIVER], deliveries: [], kept: [] });
    await putIncidents(state, incidentOf('soon', { dueAtMs: T0 + 59_000 }), ...due(2));
    await putIncidents(state, incidentOf('later', { dueAtMs: T0 + 61_000 }));
    const { deliveries, sentTo } = await call(state);
    expect(deliveries.map(({ fifo }) => fifo?.groupId)).toEqual(['i0', 'i1', 'soon']);
    expect(sentTo).toEqual([DELIVER]);
  });

  it('sends another message each minute for an incident that stays due, because the last one may be lost, and its id is used up', async () => {
    const state = createMemoryState();
    await putIncidents(state, ...due(1));
    const ids: (string | undefined)[] = [];
    for (const afterMs of [0, 10_000, MINUTE]) {
      const { deliveries } = await call(state, { nowMs: T0 + afterMs });
      ids.push(deliveries[0]?.fifo?.deduplicationId);
    }
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
    const [stored] = await state.dueIncidents(T0, 1);
    if (!stored) throw new Error('gone');
    await state.commitIncidents({ incidents: [stored] });
    const { deliveries } = await call(state);
    expect(ids).not.toContain(deliveries[0]?.fifo?.deduplicationId);
  });

  it.each([
    ['of a minute is done with', T0 + MINUTE, 1, []],
    ['of an hour comes again after a minute', T0 + 60 * MINUTE, 1, [60]],
    ['of an hour, again and again', T0 + 60 * MINUTE, 59, [60]],
    ['that is late for its round is done with', T0 - MINUTE, 3, []],
  ])('the message of a tick %s', async (_, untilMs, receives, hidden) => {
    const answer = await call(createMemoryState(), { records: [[receives, tickMessage(untilMs)]] });
    expect([answer.hidden, answer.kept, answer.files]).toEqual([hidden, hidden.map(() => 'm0'), 1]);
  });

  it('the message of a tick comes again soon when a call cannot do everything, but not for ever', async () => {
    const state = createMemoryState();
    await putIncidents(state, ...due(1_200));
    const tick = tickMessage(T0 + 60 * MINUTE);
    const first = await call(state, { records: [[1, tick]] });
    expect([first.deliveries.length, first.hidden, first.files]).toEqual([100, [5], 1]);
    // Undelivered alerts are already known.
    expect(await call(state, { records: [[2, tick]] })).toMatchObject({ hidden: [5], files: 0 });
    expect((await call(state, { records: [[100, tick]] })).hidden).toEqual([60]);
  });

  it('sends the messages of a working channel, behind thousands of one that is silent', async () => {
    const state = createMemoryState();
    await putIncidents(state, ...due(3_000), incidentOf('good', { channel: 'works', dueAtMs: T0 }));
    const { deliveries } = await call(state);
    expect(deliveries.map(({ fifo }) => fifo?.groupId).slice(0, 2)).toEqual(['i0', 'good']);
    expect(deliveries).toHaveLength(101);
  });

  it('moves an invalid message to the dead letters, after all others are sent', async () => {
    const state = createMemoryState();
    await putIncidents(state, ...due(1));
    const answer = await call(state, { records: [[1, 'poison']] });
    expect([answer.deliveries.length, answer.kept, answer.dead]).toEqual([1, [], ['poison']]);
  });

  it('sends messages for due incidents before its time is over, however long the outbox is', async () => {
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
    const records: [number, string][] = [[1, tickMessage(T0 + MINUTE)]];
    const { deliveries, hidden } = await call(endless, { remainingMs: 20_000, records });
    expect([deliveries.length, hidden]).toEqual([3, [5]]);
  });
});
