// More than a transaction of DynamoDB takes: alerts by the thousand, and one alert told in a hundred places.
import { describe, expect, it } from 'vitest';
import { inventoryLabelsSchema } from '../../../core/config/inventory-labels.ts';
import { ConflictError } from '../../../core/errors.ts';
import type { IncidentAlert } from '../../../core/model/incident.ts';
import type { Labels } from '../../../core/model/labels.ts';
import type { StateStore } from '../../../core/ports.ts';
import { deliverDue } from '../../../core/stages/deliver.ts';
import { groupTransitions } from '../../../core/stages/group.ts';
import {
  alertOf,
  holding,
  idsOf,
  incidentOf,
  outboxIds,
  T0,
  transitionOf,
} from '../../../test/contract/state-fixtures.ts';
import { createMemoryTable } from '../../../test/memory-table.ts';
import { noise } from '../../../test/noise.ts';
import {
  createStageFixture,
  MINUTE,
  memory,
  route,
  START,
  type StageFixture,
} from '../../../test/stage-fixture.ts';
import { createTableState } from './state.ts';
import type { Table } from './table.ts';

const stateOf = (table: Table): StateStore =>
  createTableState(table, { clock: { nowMs: () => START }, historyMs: 86_400_000 });

const CHANNEL_COUNT = 100;
/** An alert goes to each of them. */
const names = Array.from({ length: CHANNEL_COUNT }, (_, i) => `chat-${i}`);
const routes = names.map((name) => ({ ...route, name, channels: [name], continue: true }));
const channels = names.map((name) => ({ name, type: 'webhook', theme: 'dark' as const, options: {} }));
const toAll = { routes, channels };

/** Cuts off at the nth transaction of several items, before or after it took effect; and counts them. */
function counting(inner: Table, nth = Number.POSITIVE_INFINITY, after = false) {
  const counted = { transactions: 0 };
  const table: Table = {
    ...inner,
    async write(list) {
      if (list.length > 1) counted.transactions++;
      const { transactions } = counted;
      if (transactions > nth || (transactions === nth && !after)) throw new Error('killed');
      const failed = await inner.write(list);
      if (transactions === nth) throw new Error('killed');
      return failed;
    },
  };
  return { table, counted };
}

async function commit(state: StateStore, count: number, kind: 'firing' | 'resolved', atMs: number) {
  for (let i = 0; i < count; i++) {
    const alert = {
      ...alertOf(`n${i}`, { rule: memory.name, sinceMs: START, firedAtMs: START }),
      id: `a-${i}`,
    };
    await state.commitAlert({
      alert: kind === 'firing' ? alert : { ...alert, status: 'ok' },
      expectedVersion: kind === 'firing' ? 0 : 1,
      transitions: [transitionOf(alert, kind, atMs)],
      dueAtMs: atMs,
    });
  }
}

/** Until nothing more is said. */
async function notifyAll(fixture: StageFixture): Promise<void> {
  for (let before = -1; before !== fixture.sent.length; ) {
    before = fixture.sent.length;
    await fixture.notify();
  }
}

const routesOf = (fixture: StageFixture) => fixture.sent.map(({ notification }) => notification.route).sort();
const everywhere = routes.map(({ name }) => name).sort();

describe('one alert in a hundred places', () => {
  const cuts = [1, 2, 3, 4].flatMap((nth) => [[nth, false] as const, [nth, true] as const]);

  it('takes four transactions', async () => {
    const inner = createMemoryTable();
    await commit(stateOf(inner), 1, 'firing', START);
    const { table, counted } = counting(inner);
    const fixture = createStageFixture({ state: stateOf(table), ...toAll });
    expect(await groupTransitions(fixture.config, fixture.ports)).toBe(1);
    expect(counted.transactions).toBe(4);
  });

  it.each(cuts)(
    'cut off at transaction %i (taken effect: %s), it is told in each, once',
    async (nth, after) => {
      const inner = createMemoryTable({ lagging: true });
      await commit(stateOf(inner), 1, 'firing', START);
      const first = createStageFixture({ state: stateOf(counting(inner, nth, after).table), ...toAll });
      await expect(first.notify()).rejects.toThrow('killed');
      const second = createStageFixture({ state: stateOf(inner), ...toAll });
      await notifyAll(second);
      expect(routesOf(second)).toEqual(everywhere);
      expect(await outboxIds(stateOf(inner))).toEqual([]);

      await commit(stateOf(inner), 1, 'resolved', START + MINUTE);
      const third = createStageFixture({ state: stateOf(counting(inner, nth, after).table), ...toAll });
      await third.goTo(10);
      await expect(third.notify()).rejects.toThrow('killed');
      const fourth = createStageFixture({ state: stateOf(inner), ...toAll });
      await fourth.goTo(10);
      await notifyAll(fourth);
      expect(routesOf(fourth)).toEqual(everywhere);
      expect(await stateOf(inner).listIncidents({ open: true, limit: 9 })).toEqual([]);
    },
  );

  it('what was told in some places before it was cut off is not told there again', async () => {
    const inner = createMemoryTable();
    await commit(stateOf(inner), 1, 'firing', START);
    const first = createStageFixture({ state: stateOf(counting(inner, 3).table), ...toAll });
    await expect(first.notify()).rejects.toThrow('killed');
    const between = createStageFixture({ state: stateOf(inner), ...toAll });
    await deliverDue(between.config, between.ports, new AbortController().signal);
    expect(between.sent.length).toBe(35);
    expect(await outboxIds(stateOf(inner))).toHaveLength(1);
    const second = createStageFixture({ state: stateOf(inner), ...toAll });
    await notifyAll(second);
    expect([...routesOf(between), ...routesOf(second)].sort()).toEqual(everywhere);
  });

  it('who was overtaken in between writes nothing more', async () => {
    const table = createMemoryTable();
    const state = stateOf(table);
    await commit(state, 1, 'firing', T0);
    const [id = ''] = await outboxIds(state);
    let transactions = 0;
    table.beforeWrite = async (writes) => {
      if (writes.length < 2 || ++transactions !== 2) return;
      await state.commitIncidents({ incidents: [], consumed: [id] });
    };
    const incidents = routes.map(({ name }) => ({ value: incidentOf(name), version: 0 }));
    await expect(state.commitIncidents({ incidents, consumed: [id] })).rejects.toThrow(ConflictError);
    const open = await state.listIncidents({ open: true, limit: CHANNEL_COUNT });
    // As many as went with the first.
    expect(open.length).toBeLessThan(50);
    expect(idsOf(open).length).toBeGreaterThan(0);
  });
});

describe('three thousand alerts at once', () => {
  const COUNT = 3_000;

  it.each([
    ['one incident', ['rule'], 1],
    ['an incident each', ['node'], COUNT],
  ])('%s: none is lost nor told twice, though it is cut off', async (_, groupBy, count) => {
    const inner = createMemoryTable();
    await commit(stateOf(inner), COUNT, 'firing', START);
    const options = { routes: [{ ...route, groupBy }] };
    const first = createStageFixture({ state: stateOf(counting(inner, 70).table), ...options });
    await expect(first.notify()).rejects.toThrow('killed');
    expect(first.sent).toEqual([]);
    const second = createStageFixture({ state: stateOf(inner), ...options });
    await second.notify();
    expect(await outboxIds(stateOf(inner))).toEqual([]);
    const open = await stateOf(inner).listIncidents({ open: true, limit: COUNT + 1 });
    expect(open).toHaveLength(count);
    const held = open.flatMap(({ alerts }) => alerts.map(({ alertId }) => alertId));
    expect([held.length, new Set(held).size]).toEqual([COUNT, COUNT]);
  });
});

/** Ten labels that hardly compress. `wide`: each character has four bytes. */
function tenLabels(text: readonly string[], size: number, wide: boolean): Labels {
  const part = (i: number) => text.slice(i * size, (i + 1) * size);
  const character = (one: string) => (wide ? String.fromCodePoint(0x20_000 + 97 * one.charCodeAt(0)) : one);
  return Object.fromEntries(
    Array.from({ length: 10 }, (_, i) => [`label_${i}`, part(i).map(character).join('')]),
  );
}

it.each([[false], [true]])(
  'two thousand alerts of one incident fit, whatever labels the configuration lets in (wide characters: %s)',
  async (wide) => {
    const text = [...noise(2_000 * 2_000)];
    const isLetIn = (size: number) => inventoryLabelsSchema.safeParse(tenLabels(text, size, wide)).success;
    const size = Array.from({ length: 100 }, (_, i) => 100 - i).find(isLetIn) ?? 0;
    expect(size).toBeGreaterThan(5);
    const alerts = Array.from({ length: 2_000 }, (_, i) => {
      const [alert] = holding({ ...alertOf(`node-${i}.example.net`), id: `memory-${i}` });
      const ofCluster = tenLabels(text.slice(i * 2_000, i * 2_000 + 1_000), size, wide);
      const own = Object.entries(tenLabels(text.slice(i * 2_000 + 1_000, (i + 1) * 2_000), size, wide));
      const ofNode = Object.fromEntries(own.map(([name, value]) => [`own_${name}`, value]));
      return { ...alert, inventoryLabels: { ...ofCluster, ...ofNode } } as IncidentAlert;
    });
    const state = stateOf(createMemoryTable());
    const value = incidentOf('large', { alerts });
    await state.commitIncidents({ incidents: [{ value, version: 0 }], consumed: [] });
    const [stored] = await state.openIncidents();
    expect(stored?.value.alerts).toEqual(alerts);
  },
);
