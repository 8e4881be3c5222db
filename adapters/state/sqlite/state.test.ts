import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, ConflictError, RetryableError } from '../../../core/errors.ts';
import {
  alertOf,
  incidentOf,
  putIncidents,
  T0,
  transitionOf,
} from '../../../test/contract/state-fixtures.ts';
import { silenceOf } from '../../../test/contract/state-silences.ts';
import { MIGRATIONS } from './schema.ts';
import { openSqliteState } from './state.ts';

describe('sqlite state', () => {
  let path: string;
  const open = (readOnly = false) => openSqliteState({ path, readOnly, busyTimeoutMs: 20 });
  const raw = () => new DatabaseSync(join(path, 'state.db'));
  const commit = (state: ReturnType<typeof open>, node: string) => {
    const alert = alertOf(node);
    const transitions = [transitionOf(alert, 'firing', T0)];
    return state.commitAlert({ alert, expectedVersion: 0, transitions, dueAtMs: T0 });
  };
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'bartizan-state-'));
  });
  afterEach(() => rmSync(path, { recursive: true }));

  it('lets one incident of a group be open, whoever opens the second', async () => {
    const state = open();
    const first = incidentOf('i1', { groupKey: 'g' });
    await putIncidents(state, first);
    await expect(putIncidents(state, incidentOf('i2', { groupKey: 'g' }))).rejects.toThrow(ConflictError);
    expect(await state.listIncidents({ limit: 10 })).toEqual([first]);
    await state.commitIncidents({
      incidents: [
        { value: incidentOf('i2', { groupKey: 'g' }), version: 0 },
        { value: { ...first, closedAtMs: T0 }, version: 1 },
      ],
    });
    expect((await state.findIncident('default', 'chat', 'g'))?.value.id).toBe('i2');
    await state.close();
  });

  it('opens a file of schema 1 and keeps what is in it', async () => {
    const db = raw();
    for (const ddl of MIGRATIONS.slice(0, 1)) db.exec(ddl);
    const alert = alertOf('n');
    const firing = transitionOf(alert, 'firing', T0);
    const insert = (sql: string, ...values: (string | number)[]) => db.prepare(sql).run(...values);
    insert(
      'INSERT INTO alert (id, rule, version, body) VALUES (?, ?, 3, ?)',
      alert.id,
      alert.rule,
      JSON.stringify(alert),
    );
    insert('INSERT INTO transition VALUES (?, ?, ?, ?)', firing.id, alert.id, T0, JSON.stringify(firing));
    insert('INSERT INTO outbox VALUES (?, ?)', firing.id, T0);
    db.exec('PRAGMA user_version = 1');
    db.close();
    const state = open();
    expect(await state.listAlerts()).toEqual([{ value: alert, version: 3 }]);
    expect(await state.dueOutbox(T0, 10)).toEqual([{ id: firing.id, dueAtMs: T0, transition: firing }]);
    expect(await state.listSilences({ endedAfterMs: 0 })).toEqual([]);
    await state.putSilence(silenceOf('s1', T0 + 10));
    expect(await state.listSilences({ endedAfterMs: T0 })).toEqual([silenceOf('s1', T0 + 10)]);
    await state.close();
  });

  it('is read by a second process while the first writes', async () => {
    expect(() => open(true)).toThrow(ConfigError);
    const state = open();
    const reader = open(true);
    await commit(state, 'a');
    expect(await reader.listAlerts()).toHaveLength(1);
    await expect(commit(reader, 'b')).rejects.toThrow(ConfigError);
    await commit(state, 'b');
    expect(await reader.listAlerts()).toHaveLength(2);
    await state.close();
    await reader.close();
  });

  it('is retryable while another process holds the lock', async () => {
    const state = open();
    const blocker = raw();
    blocker.exec('BEGIN IMMEDIATE');
    await expect(commit(state, 'a')).rejects.toThrow(RetryableError);
    blocker.exec('ROLLBACK');
    blocker.close();
    await commit(state, 'a');
    await state.close();
  });

  it('forgets the status of nodes that have not been probed for long', async () => {
    const state = open();
    const status = { cluster: 'c', node: 'n', check: 'usage', ok: true };
    const gone = { ...status, node: 'gone', roundMs: T0 - 1 };
    await state.putTargetStatus([gone, { ...status, roundMs: T0 }], { bastion: 'b', index: 0 });
    expect(await state.prune(T0)).toBe(1);
    expect(await state.listTargetStatus()).toEqual([{ ...status, roundMs: T0 }]);
    await state.close();
  });
});
