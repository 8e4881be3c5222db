import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { CONFLICT_TRIES } from '../../../core/conflicts.ts';
import { RetryableError } from '../../../core/errors.ts';
import type { TargetStatus } from '../../../core/model/target-status.ts';
import type { StateStore } from '../../../core/ports.ts';
import { T0 } from '../../../test/contract/state-fixtures.ts';
import { createMemoryState } from '../../../test/memory-state.ts';
import { createMemoryTable, type MemoryTable } from '../../../test/memory-table.ts';
import { keys } from './layout.ts';
import { loadRecord, recordWrites } from './record.ts';
import { createTableState } from './state.ts';
import { createStatuses } from './statuses.ts';
import { itemBytes } from './table.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const HISTORY_MS = 90 * DAY;

const statusOf = (node: string, roundMs: number, change: Partial<TargetStatus> = {}): TargetStatus => ({
  cluster: 'c',
  node,
  check: 'usage',
  roundMs,
  ok: true,
  ...change,
});
const batch = (index: number) => ({ bastion: 'b', index });

describe('statuses in a table', () => {
  let nowMs = T0;
  let table: MemoryTable;
  let state: StateStore;
  beforeEach(() => {
    nowMs = T0;
    table = createMemoryTable();
    state = createTableState(table, { clock: { nowMs: () => nowMs }, historyMs: HISTORY_MS });
  });
  const put = (index: number, ...statuses: TargetStatus[]) => state.putTargetStatus(statuses, batch(index));
  const listed = async () =>
    (await state.listTargetStatus()).map(({ node, roundMs }) => `${node} ${(roundMs - T0) / HOUR}h`);
  const nodesIn = async (key: ReturnType<typeof keys.status>) =>
    (await loadRecord<TargetStatus[]>(table, key))?.value.map(({ node }) => node);
  /** Requests from now on. */
  const counted = () => {
    const counts = { reads: 0, writes: 0 };
    const { get } = table;
    table.get = async (asked) => {
      counts.reads += asked.length;
      return get(asked);
    };
    table.beforeWrite = (writes) => {
      counts.writes += writes.length;
    };
    return counts;
  };

  it('is one read and one write a message, and none where nothing is new', async () => {
    const message = (roundMs: number) => Array.from({ length: 300 }, (_, i) => statusOf(`n${i}`, roundMs));
    await put(0, ...message(T0));
    const counts = counted();
    await put(0, ...message(T0 + 1));
    expect(counts).toEqual({ reads: 1, writes: 1 });
    await put(0, ...message(T0 + 1));
    await put(0, ...message(T0));
    expect(counts).toEqual({ reads: 3, writes: 1 });
  });

  it.each([
    ['all well', 4, (_: number): Partial<TargetStatus> => ({})],
    [
      'each failing in its own way',
      6,
      (i: number) => ({
        ok: false,
        reason: 'timeout' as const,
        detail: `10.0.${i}.11:22 gave no answer in 5 s`,
      }),
    ],
  ])('is an item of a few KB for 300 nodes: %s', async (_name, kilobytes, change) => {
    const names = Array.from({ length: 100 }, (_, c) => `prod-${(c * 2_654_435_761).toString(16)}`);
    const message = names.flatMap((cluster, c) =>
      [0, 1, 2].map((n) => statusOf(`${cluster}-cp-${n}`, T0, { cluster, ...change(3 * c + n) })),
    );
    await put(0, ...message);
    const sizes = [...table.items.values()].map(itemBytes);
    expect(sizes).toHaveLength(1);
    expect(sizes[0]).toBeLessThan(kilobytes * 1024);
  });

  it('is gathered from messages of one batch that are written side by side', async () => {
    const messages = Array.from({ length: 8 }, (_, m) => [
      ...Array.from({ length: 5 }, (__, i) => statusOf(`n${m * 5 + i}`, T0)),
      statusOf('each', T0 + m),
    ]);
    await Promise.all(messages.map((message) => put(0, ...message)));
    const all = await state.listTargetStatus();
    expect(all).toHaveLength(41);
    expect(all.find(({ node }) => node === 'each')?.roundMs).toBe(T0 + 7);
    expect(await state.prune(T0 + 8)).toBe(41);
    expect(table.items.size).toBe(0);
  });

  it('asks for the message again where others write all the time', async () => {
    let writes = 0;
    const { write } = table;
    table.write = async (asked) => {
      writes++;
      await write([
        { put: { ...keys.status(batch(0)), kind: 'status', v: 1, body: '[]', version: -writes } },
      ]);
      return write(asked);
    };
    const pauses: number[] = [];
    const statuses = createStatuses({
      table,
      clock: { nowMs: () => nowMs },
      expiresAt: (ms) => (ms + HISTORY_MS) / 1000,
      sleep: async (ms) => void pauses.push(ms),
      random: () => 0.99,
    });
    await expect(statuses.putTargetStatus([statusOf('n', T0)], batch(0))).rejects.toThrow(RetryableError);
    expect(writes).toBe(CONFLICT_TRIES);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(200);
  });

  it('puts what left a batch aside once, and lists it as long as what is gone', async () => {
    await put(0, statusOf('stays', T0), statusOf('moves', T0), statusOf('gone', T0));
    for (const hours of [12, 24, 25, 48]) {
      await put(0, statusOf('stays', T0 + hours * HOUR));
      await put(1, statusOf('moves', T0 + hours * HOUR));
      const left = hours <= 24 ? ['gone', 'moves'] : [];
      expect(await nodesIn(keys.status(batch(0)))).toEqual([...left, 'stays']);
    }
    expect(await nodesIn(keys.statusAside(batch(0)))).toEqual(['gone', 'moves']);
    expect(await listed()).toEqual(['gone 0h', 'moves 48h', 'stays 48h']);

    // A message that waited: the node has not come back.
    const counts = counted();
    await put(0, statusOf('gone', T0 + HOUR), statusOf('stays', T0 + HOUR));
    expect(counts.writes).toBe(1);
    expect(await nodesIn(keys.status(batch(0)))).toEqual(['stays']);
    expect(await listed()).toEqual(['gone 1h', 'moves 48h', 'stays 48h']);
  });

  it('leaves alone what is due seldom, and what a lost bastion held up', async () => {
    const weekly = statusOf('n', T0, { check: 'certificates' });
    await put(0, statusOf('n', T0), weekly, statusOf('b', T0, { cluster: '', check: '0' }));
    await put(0, statusOf('b', T0 + 3 * DAY, { cluster: '', check: '0', ok: false, reason: 'unreachable' }));
    await put(0, statusOf('n', T0 + 3 * DAY));
    expect(await nodesIn(keys.statusAside(batch(0)))).toBeUndefined();
    expect(await listed()).toEqual(['b 72h', 'n 0h', 'n 72h']);
  });

  it('loses nothing when it is cut off between putting aside and going on', async () => {
    await put(0, statusOf('stays', T0), statusOf('gone', T0));
    let writes = 0;
    table.beforeWrite = () => {
      if (++writes === 2) throw new Error('cut off');
    };
    await expect(put(0, statusOf('stays', T0 + 2 * DAY))).rejects.toThrow('cut off');
    expect(await listed()).toEqual(['gone 0h', 'stays 0h']);
    await put(0, statusOf('stays', T0 + 2 * DAY));
    expect(await listed()).toEqual(['gone 0h', 'stays 48h']);
  });

  it('forgets by itself: a node, a whole batch, and never only the newer of two', async () => {
    await put(0, statusOf('moved', T0), statusOf('old', T0), statusOf('stays', T0));
    await put(0, statusOf('younger', T0 + 1));
    await put(1, statusOf('moved', T0 + DAY), statusOf('batch', T0));
    nowMs = T0 + HISTORY_MS - 1;
    await put(0, statusOf('stays', nowMs));
    expect(await state.listTargetStatus()).toHaveLength(5);
    expect(await nodesIn(keys.statusAside(batch(0)))).toEqual(['moved', 'old', 'younger']);
    nowMs = T0 + HISTORY_MS;
    await put(0, statusOf('stays', nowMs), statusOf('latest', T0 + 2));
    expect(await nodesIn(keys.statusAside(batch(0)))).toEqual(['latest', 'younger']);
    expect((await state.listTargetStatus()).map(({ node }) => node)).toEqual([
      'latest',
      'moved',
      'stays',
      'younger',
    ]);
    nowMs += DAY;
    expect((await state.listTargetStatus()).map(({ node }) => node)).toEqual(['stays']);
    const expiry = [...table.items.values()].map(({ sk, expiresAt }) => [sk, Number(expiresAt) * 1000]);
    expect(Object.fromEntries(expiry)).toEqual({
      '["b",0]': T0 + 2 * HISTORY_MS,
      // In whole seconds.
      '["b",0,"aside"]': T0 + 1000 + HISTORY_MS,
      '["b",1]': T0 + DAY + HISTORY_MS,
    });
  });

  it('lists what was kept by cluster and check before, until it expires', async () => {
    const former = async (cluster: string, check: string, value: TargetStatus[]) => {
      const key = { pk: keys.status(batch(0)).pk, sk: JSON.stringify([cluster, check]) };
      await table.write(await recordWrites({ key, kind: 'status', value, attributes: { version: 3 } }));
    };
    // A cluster with a check may well be called as a bastion with a batch.
    await former('b', '0', [
      statusOf('gone', T0, { cluster: 'b', check: '0' }),
      statusOf('n', T0, { cluster: 'b', check: '0' }),
    ]);
    await former('', '0', [statusOf('b', T0, { cluster: '', check: '0', ok: false, reason: 'timeout' })]);
    const before = structuredClone(table.items);
    expect(await listed()).toEqual(['b 0h', 'gone 0h', 'n 0h']);
    const now = { roundMs: T0 + HOUR };
    await put(0, statusOf('b', T0, { ...now, cluster: '', check: '0' }), {
      ...statusOf('n', T0, { cluster: 'b', check: '0' }),
      ...now,
    });
    expect(await listed()).toEqual(['b 1h', 'gone 0h', 'n 1h']);
    expect((await state.listTargetStatus())[0]?.ok).toBe(true);
    for (const [id, item] of before) expect(table.items.get(id)).toEqual(item);
    nowMs = T0 + HISTORY_MS;
    expect(await listed()).toEqual(['b 1h', 'n 1h']);
  });

  it('lists what one place for all would, however nodes move, leave and come back', async () => {
    const seen = fc.record({
      hoursLater: fc.constantFrom(0, 1, 7, 30, 24 * 50),
      hoursOld: fc.constantFrom(0, 0, 0, 2, 40),
      batch: fc.integer({ min: 0, max: 2 }),
      nodes: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd')),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(seen, { maxLength: 30 }), async (messages) => {
        nowMs = T0;
        const options = { clock: { nowMs: () => nowMs }, historyMs: HISTORY_MS };
        state = createTableState(createMemoryTable(), options);
        const model = createMemoryState();
        for (const { hoursLater, hoursOld, batch: index, nodes } of messages) {
          nowMs += hoursLater * HOUR;
          const statuses = nodes.map((node) => statusOf(node, nowMs - hoursOld * HOUR));
          await put(index, ...statuses);
          await model.putTargetStatus(statuses, batch(index));
          const kept = (await model.listTargetStatus()).filter(({ roundMs }) => roundMs > nowMs - HISTORY_MS);
          expect(await state.listTargetStatus()).toEqual(kept.sort((a, b) => (a.node < b.node ? -1 : 1)));
        }
      }),
      { numRuns: 100 },
    );
  });
});
