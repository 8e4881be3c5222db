import { beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, ConflictError, PermanentError } from '../../../core/errors.ts';
import { hashNumber } from '../../../core/hash.ts';
import type { StateStore } from '../../../core/ports.ts';
import {
  alertOf,
  checkpointOf,
  holding,
  idsOf,
  incidentOf,
  outboxIds,
  putIncidents,
  T0,
  transitionOf,
} from '../../../test/contract/state-fixtures.ts';
import { examineStory, playForEver } from '../../../test/contract/state-story.ts';
import { createMemoryTable, type MemoryTable } from '../../../test/memory-table.ts';
import { noise } from '../../../test/noise.ts';
import { WAKE_FILTER } from './layout.ts';
import { createTableState } from './state.ts';
import { LIMITS, type Write } from './table.ts';

const HISTORY_MS = 90 * 86_400_000;
const options = { clock: { nowMs: () => T0 }, historyMs: HISTORY_MS };

describe('state in a table', () => {
  let table: MemoryTable;
  let state: StateStore;
  beforeEach(() => {
    table = createMemoryTable({ lagging: true });
    state = createTableState(table, options);
  });
  const fire = (node: string, expectedVersion = 0, atMs = T0) => {
    const alert = alertOf(node);
    const transitions = [transitionOf(alert, 'firing', atMs)];
    return state.commitAlert({ alert, expectedVersion, transitions, dueAtMs: T0 });
  };

  it('needs no index to know what is due, open, and whose an alert is', async () => {
    await fire('n');
    await putIncidents(state, incidentOf('i1', { alerts: holding(alertOf('n')), dueAtMs: T0 }));
    expect(await outboxIds(state)).toEqual([`mem:n:firing:${T0}`]);
    expect(idsOf(await state.dueIncidents(T0, 10))).toEqual(['i1']);
    expect(idsOf(await state.incidentsOfAlert('mem:n'))).toEqual(['i1']);
    expect((await state.findIncident('default', 'chat', 'group of i1'))?.value.id).toBe('i1');
    expect(await state.nextDueMs()).toBe(T0);
    expect(await state.listIncidents({ limit: 10 })).toEqual([]);
    table.settle();
    expect(idsOf(await state.listIncidents({ limit: 10 }))).toEqual(['i1']);
  });

  it('splits what is larger than an item, and gives it back whole', async () => {
    const comments = (size: number) => ({ comment: noise(size) });
    const large = { ...checkpointOf(1), ...comments(1_500_000) };
    await state.saveCheckpoint('mem', 'local', large, 0);
    expect(await state.loadCheckpoint('mem', 'local')).toEqual({ value: large, version: 1 });
    const incident = incidentOf('i1', { groupLabels: comments(900_000) });
    await putIncidents(state, incident);
    expect(await state.loadIncident('i1')).toEqual({ value: incident, version: 1 });
    const small = { ...incident, groupLabels: comments(10) };
    await state.commitIncidents({ incidents: [{ value: small, version: 1 }] });
    expect(await state.loadIncident('i1')).toEqual({ value: small, version: 2 });
    await state.deleteCheckpoint('mem', 'local');
    expect([...table.items.values()].filter((item) => item.kind === 'part')).toEqual([]);
  });

  it('holds what a shard adds to an aggregate of many groups, beyond what an item takes', async () => {
    const groups = Array.from({ length: 1_900 }, (_, i) => ({
      labels: { node: `node-${i}` },
      points: Array.from({ length: 17 }, (__, minute) => ({
        timeMs: T0 + minute * 60_000,
        places: 1,
        count: 1,
        numbers: [hashNumber(`${i} ${minute}`) / 2 ** 26 / 0.7],
      })),
    }));
    const checkpoint = { ...checkpointOf(1), part: { fromMs: T0, steadySinceMs: T0, groups } };
    await state.saveCheckpoint('mem', '3/16', checkpoint, 0);
    expect([...table.items.values()].filter((item) => item.kind === 'part').length).toBeGreaterThan(1);
    expect(await state.loadCheckpoint('mem', '3/16')).toEqual({ value: checkpoint, version: 1 });
  });

  it('refuses what no transaction can hold, says so, and keeps what was there', async () => {
    await state.saveCheckpoint('mem', 'local', checkpointOf(1), 0);
    const huge = { ...checkpointOf(2), comment: noise(6_000_000) };
    await expect(state.saveCheckpoint('mem', 'local', huge, 1)).rejects.toThrow(PermanentError);
    expect(await state.loadCheckpoint('mem', 'local')).toEqual({ value: checkpointOf(1), version: 1 });
    await expect(
      putIncidents(state, incidentOf('i', { groupLabels: { comment: noise(6_000_000) } })),
    ).rejects.toThrow(PermanentError);
    expect(await state.loadIncident('i')).toBeUndefined();
    await expect(state.counters.save('batch', noise(600_000))).rejects.toThrow('do not fit into one item');
  });

  it('reads again what is written over between head and parts, never a mixture', async () => {
    const of = (letter: string) => ({ ...checkpointOf(1), comment: letter + noise(900_000) });
    await state.saveCheckpoint('mem', 'local', of('a'), 0);
    let reads = 0;
    const get = table.get;
    table.get = async (keys) => {
      const items = await get(keys);
      if (reads++ === 0) await state.saveCheckpoint('mem', 'local', of('b'), 1);
      return items;
    };
    expect(await state.loadCheckpoint('mem', 'local')).toEqual({ value: of('b'), version: 2 });
  });

  it('holds an incident of thousands of alerts, and finds it by each', async () => {
    const alerts = Array.from({ length: 3000 }, (_, i) => alertOf(`node-${i}`));
    const incident = incidentOf('i1', { alerts: holding(...alerts) });
    await putIncidents(state, incident);
    expect(idsOf(await state.incidentsOfAlert('mem:node-2999'))).toEqual(['i1']);
    const left = { ...incident, alerts: incident.alerts.slice(1) };
    await state.commitIncidents({ incidents: [{ value: left, version: 1 }] });
    expect(await state.incidentsOfAlert('mem:node-0')).toEqual([]);
    await state.commitIncidents({ incidents: [{ value: { ...left, closedAtMs: T0 }, version: 2 }] });
    expect([...table.items.values()].filter((item) => item.kind === 'link')).toEqual([]);
  });

  it('keeps the link of an alert that came back while a slow writer was still taking it out', async () => {
    const [a, b] = [alertOf('a'), alertOf('b')];
    await putIncidents(state, incidentOf('i1', { alerts: holding(a, b) }));
    const other = createTableState(table, options);
    let interrupted = false;
    table.beforeWrite = async ([write]) => {
      if (interrupted || !write || !('remove' in write) || !write.remove.pk.startsWith('alert#')) return;
      interrupted = true;
      const value = incidentOf('i1', { alerts: holding(a, b) });
      await other.commitIncidents({ incidents: [{ value, version: 2 }] });
    };
    const without = incidentOf('i1', { alerts: holding(a) });
    await state.commitIncidents({ incidents: [{ value: without, version: 1 }] });
    expect(interrupted).toBe(true);
    expect(idsOf(await state.incidentsOfAlert(b.id))).toEqual(['i1']);
  });

  it('forgets links that a failed commit left behind', async () => {
    await putIncidents(state, incidentOf('i1'));
    const value = incidentOf('i1', { alerts: holding(alertOf('n')) });
    table.beforeWrite = (writes) => {
      if (writes.length > 1 || (writes[0] && 'put' in writes[0] && writes[0].put.kind === 'incident'))
        throw new Error('cut off');
    };
    await expect(state.commitIncidents({ incidents: [{ value, version: 1 }] })).rejects.toThrow('cut off');
    table.beforeWrite = () => undefined;
    const links = () => [...table.items.values()].filter((item) => item.kind === 'link').length;
    expect(links()).toBe(1);
    await state.commitIncidents({ incidents: [{ value: incidentOf('i1'), version: 1 }] });
    expect(await state.incidentsOfAlert('mem:n')).toEqual([]);
    expect(links()).toBe(0);
  });

  it('lets one of two notifiers absorb a transition, the other is told', async () => {
    await fire('n');
    const [item] = await state.dueOutbox(T0, 1);
    const consumed = [item?.id ?? ''];
    const absorb = (id: string) =>
      state.commitIncidents({ incidents: [{ value: incidentOf(id), version: 0 }], consumed });
    await absorb('i1');
    await expect(absorb('i2')).rejects.toThrow(ConflictError);
    expect(await state.loadIncident('i2')).toBeUndefined();
    let raced = false;
    await fire('m');
    const second = [(await state.dueOutbox(T0, 1))[0]?.id ?? ''];
    table.beforeWrite = async () => {
      if (raced) return;
      raced = true;
      await state.commitIncidents({ incidents: [], consumed: second });
    };
    const late = { incidents: [{ value: incidentOf('i3'), version: 0 }], consumed: second };
    await expect(state.commitIncidents(late)).rejects.toThrow(ConflictError);
  });

  it('commits more transitions than a transaction takes, cut off anywhere and replayed, each once', async () => {
    const alert = alertOf('n');
    const transitions = Array.from({ length: 120 }, (_, i) =>
      transitionOf(alert, i % 2 === 0 ? 'firing' : 'resolved', T0 + i),
    );
    const commit = () => state.commitAlert({ alert, expectedVersion: 0, transitions, dueAtMs: T0 });
    let writes = 0;
    table.beforeWrite = (list) => {
      expect(list.length).toBeLessThanOrEqual(LIMITS.transactionItems);
      if (list.length > 1 && ++writes === 2) throw new Error('cut off');
    };
    await expect(commit()).rejects.toThrow('cut off');
    expect(await state.listAlerts()).toEqual([]);
    await commit();
    table.settle();
    const ids = transitions.map((transition) => transition.id);
    expect((await state.dueOutbox(T0, 1000)).map((item) => item.id)).toEqual(ids);
    expect((await state.listTransitions({ fromMs: T0, toMs: T0 + 999, limit: 1000 })).length).toBe(120);
    await expect(commit()).rejects.toThrow(ConflictError);
  });

  it('marks what wakes the notifier, and lets time remove only what was told', async () => {
    const inserted: Write[] = [];
    table.beforeWrite = (writes) => {
      for (const write of writes) {
        if ('put' in write && !table.items.has(JSON.stringify([write.put.pk, write.put.sk])))
          inserted.push(write);
      }
    };
    await fire('n');
    const cancelled = transitionOf(alertOf('m'), 'cancelled', T0);
    await state.commitAlert({
      alert: alertOf('m'),
      expectedVersion: 0,
      transitions: [cancelled],
      dueAtMs: T0,
    });
    const [item] = await state.dueOutbox(T0, 10);
    const wakes = () => {
      const kinds: readonly string[] = WAKE_FILTER.dynamodb.NewImage.kind.S;
      return inserted.filter((write) => 'put' in write && kinds.includes(String(write.put.kind))).length;
    };
    expect(wakes()).toBe(1);
    const expiring = () =>
      [...table.items.values()].flatMap((one) => (one.expiresAt === undefined ? [] : [one.pk]));
    expect(expiring()).toEqual([`transition#${cancelled.id}`]);
    const closed = { value: incidentOf('i1', { closedAtMs: T0 }), version: 0 };
    await state.commitIncidents({ incidents: [closed], consumed: [item?.id ?? ''] });
    expect(wakes()).toBe(1);
    expect(expiring().sort()).toEqual([
      'incident#i1',
      `transition#${cancelled.id}`,
      `transition#${item?.id}`,
    ]);
    const sentItem = table.items.get(JSON.stringify([`transition#${item?.id}`, '0']));
    expect(sentItem?.expiresAt).toBe((T0 + HISTORY_MS) / 1000);
  });

  it('refuses what a newer release wrote', async () => {
    await state.saveCheckpoint('mem', 'local', checkpointOf(1), 0);
    for (const item of table.items.values()) item.v = 2;
    await expect(state.loadCheckpoint('mem', 'local')).rejects.toThrow(ConfigError);
  });

  it('names a rule until nothing is left of it, also to another process', async () => {
    await state.saveCheckpoint('mem', 'local', checkpointOf(1), 0);
    await fire('n');
    const other = createTableState(table, options);
    await state.deleteCheckpoint('mem', 'local');
    expect(await other.listRules()).toEqual(['mem']);
    await state.commitAlert({
      alert: alertOf('n', { status: 'ok' }),
      expectedVersion: 1,
      transitions: [],
      dueAtMs: T0,
    });
    await state.deleteCheckpoint('mem', 'local');
    expect(await createTableState(table, options).listRules()).toEqual([]);
    await state.saveCheckpoint('mem', 'local', checkpointOf(1), 0);
    expect(await state.listRules()).toEqual(['mem']);
  });

  it('leaves no half of a step, at whichever write it is cut off', async () => {
    let stored = await examineStory(state);
    for (let cut = 1; cut <= 60; cut++) {
      let writes = 0;
      table.beforeWrite = () => {
        if (++writes === cut) throw new Error('cut off');
      };
      const started = createTableState(table, options);
      table.settle();
      const done: [keyof typeof stored, string][] = [];
      await expect(playForEver(started, (what, id) => done.push([what, id]))).rejects.toThrow('cut off');
      table.settle();
      stored = await examineStory(state);
      for (const [what, id] of done) expect(stored[what]).toContain(id);
    }
    expect(stored.transition.size).toBeGreaterThan(100);
  });
});
