import { expect, it } from 'vitest';
import { createMemoryState } from '../../test/memory-state.ts';
import { clear, createStageFixture, fire, MINUTE, START } from '../../test/stage-fixture.ts';
import type { StateStore } from '../ports.ts';
import { epochOfStart, epochOfTable } from './epoch.ts';

async function seen(state: StateStore, roundMs: number): Promise<void> {
  const statuses = [{ cluster: 'one', node: 'a', check: 'usage', roundMs, ok: true }];
  await state.putTargetStatus(statuses, { bastion: 'seoul', index: 0 });
}

it('a table has no epoch where its state began, and each restore has one of its own', async () => {
  const state = createMemoryState();
  const opened = (table: string) => epochOfTable(table, { counters: state.counters });
  expect(await opened('first')).toBeUndefined();
  expect(await opened('first')).toBeUndefined();
  const second = await opened('second');
  expect(second).toMatch(/^\S{8}$/);
  expect(await opened('second')).toBe(second);
  expect(await opened('third')).not.toBe(second);
  expect(await opened('first')).toBeUndefined();
});

it('a process that starts over state that stood still begins an epoch, and keeps it; a restart does not', async () => {
  const state = createMemoryState();
  const start = (minute: number) =>
    epochOfStart({ state, clock: { nowMs: () => START + minute * MINUTE } }, MINUTE);
  expect(await start(0)).toBeUndefined();
  await seen(state, START);
  expect(await start(4)).toBeUndefined();
  const epoch = await start(20);
  expect(epoch).toMatch(/^\S{8}$/);
  await seen(state, START + 20 * MINUTE);
  expect(await start(22)).toBe(epoch);
  await seen(state, START + 22 * MINUTE);
  expect(await start(40)).not.toBe(epoch);
});

it('a message under way keeps its key, and later ones have the key of the epoch', async () => {
  const fixture = createStageFixture();
  let isUp = false;
  fixture.answers.ops = async () => {
    if (!isUp) throw new Error('no answer');
  };
  await fire(fixture);
  await fixture.notify();
  const [begun] = await fixture.state.openIncidents();
  fixture.ports.epoch = async () => 'e1';
  isUp = true;
  await fixture.goTo(3);
  await fixture.notify();
  await clear(fixture, 9);
  await fixture.notify();
  const id = begun?.value.id;
  expect(fixture.sent.map(({ notification }) => notification.key)).toEqual([`${id}:1`, `${id}:2:e1`]);
});
