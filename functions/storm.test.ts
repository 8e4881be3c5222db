// Functions that send messages of many incidents to one chat service at once, over one table: each takes a due
// incident.
import { expect, it } from 'vitest';
import { createTableState } from '../adapters/state/dynamodb/state.ts';
import type { Config } from '../core/model/config.ts';
import { deliverIncident } from '../core/stages/deliver.ts';
import { groupTransitions } from '../core/stages/group.ts';
import { createMemoryTable } from '../test/memory-table.ts';
import { createRateLimitedChat } from '../test/rate-limited-chat.ts';
import { createStageFixture, route, START } from '../test/stage-fixture.ts';

const FUNCTIONS = 10;
const signal = new AbortController().signal;

async function storm(incidents: number, paced: boolean) {
  let nowMs = () => START;
  const clock = { nowMs: () => nowMs() };
  const table = createMemoryTable();
  const state = createTableState(table, { clock, historyMs: 86_400_000 });
  const fixture = createStageFixture({ state, routes: [{ ...route, groupBy: ['rule', 'node'] }] });
  nowMs = fixture.time.clock.nowMs;
  const destination = { key: 'chat', everyMs: 1_000 };
  const chat = createRateLimitedChat({ clock, everyMs: 1_000, ...(paced && { destination }) });
  const ports = { ...fixture.ports, channels: new Map([['ops', chat.channel]]) };
  for (let i = 0; i < incidents; i++) {
    const labels = { cluster: 'prod', node: `n${i}`, role: 'etcd' as const };
    const id = `memory/n${i}`;
    const at = { rule: 'memory', labels, sinceMs: START, reason: 'threshold' as const };
    const alert = { ...at, id, firedAtMs: START, status: 'firing' as const };
    const transition = { ...at, id: `${id}@1`, alertId: id, kind: 'firing' as const, atMs: START };
    await state.commitAlert({ alert, expectedVersion: 0, transitions: [transition], dueAtMs: START });
  }
  await groupTransitions(fixture.config as Config, ports);
  /** A queue of messages whose group is the incident. */
  const busy = new Set<string>();
  const work = async (own: number) => {
    while (chat.taken.length < incidents && clock.nowMs() < START + 20 * 60_000) {
      const due = await state.dueIncidents(clock.nowMs(), 1_000);
      const free = due.find(({ value }) => !busy.has(value.id));
      if (free) busy.add(free.value.id);
      await fixture.time.sleep(40 + ((own * 37 + chat.taken.length * 13) % 260), signal);
      if (!free) continue;
      await deliverIncident(free.value.id, fixture.config as Config, ports, signal);
      busy.delete(free.value.id);
    }
  };
  let isOver = false;
  void Promise.all(Array.from({ length: FUNCTIONS }, (_, own) => work(own))).then(() => {
    isOver = true;
  });
  while (!isOver) await fixture.time.advanceTo(clock.nowMs() + 1_000);
  const tookS = ((chat.taken.at(-1)?.atMs ?? 0) - START) / 1_000;
  return { chat, tookS };
}

it.each([true, false])(
  'the table gives each incident its slot, so that a hundred drain at the pace of the chat service (known: %s)',
  async (paced) => {
    const { chat, tookS } = await storm(100, paced);
    expect(new Set(chat.taken.map(({ notification }) => notification.incidentId)).size).toBe(100);
    expect(chat.taken).toHaveLength(100);
    expect(tookS).toBeLessThan(125);
    expect(chat.refused.length).toBeLessThan(20);
  },
  60_000,
);
