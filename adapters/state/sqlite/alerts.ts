import type { Alert } from '../../../core/model/alert.ts';
import type { Checkpoint } from '../../../core/model/checkpoint.ts';
import type { Transition } from '../../../core/model/transition.ts';
import type { StateStore } from '../../../core/ports.ts';
import type { Database } from '../../sqlite/database.ts';
import { expectVersion, readRows, readValues, readVersioned } from './table.ts';

type Alerts = Pick<
  StateStore,
  | 'loadCheckpoint'
  | 'saveCheckpoint'
  | 'deleteCheckpoint'
  | 'listRules'
  | 'listCheckpoints'
  | 'listAlerts'
  | 'commitAlert'
  | 'listTransitions'
>;

/** The state that evaluate reads and writes. */
export function createAlerts(database: Database): Alerts {
  return {
    async loadCheckpoint(rule, shard) {
      const sql = 'SELECT body, version FROM checkpoint WHERE rule = ? AND shard = ?';
      return readVersioned<Checkpoint>(database, sql, rule, shard)[0];
    },
    async saveCheckpoint(rule, shard, checkpoint, expectedVersion) {
      database.write(() => {
        const sql = 'SELECT version FROM checkpoint WHERE rule = ? AND shard = ?';
        expectVersion(database, { sql, key: [rule, shard], what: `checkpoint of ${rule}` }, expectedVersion);
        database
          .prepare('INSERT OR REPLACE INTO checkpoint (rule, shard, version, body) VALUES (?, ?, ?, ?)')
          .run(rule, shard, expectedVersion + 1, JSON.stringify(checkpoint));
      });
    },
    async deleteCheckpoint(rule, shard) {
      const deletion = database.prepare('DELETE FROM checkpoint WHERE rule = ? AND shard = ?');
      database.write(() => deletion.run(rule, shard));
    },
    async listRules() {
      const sql = 'SELECT rule FROM checkpoint UNION SELECT rule FROM alert ORDER BY rule';
      return readRows<[string]>(database, sql).map(([rule]) => rule);
    },
    async listCheckpoints(rule) {
      const sql = 'SELECT shard FROM checkpoint WHERE rule = ? ORDER BY shard';
      return readRows<[string]>(database, sql, rule).map(([shard]) => shard);
    },
    async listAlerts(rule) {
      const sql = 'SELECT body, version FROM alert';
      if (rule === undefined) return readVersioned<Alert>(database, `${sql} ORDER BY rowid`);
      return readVersioned<Alert>(database, `${sql} WHERE rule = ? ORDER BY rowid`, rule);
    },
    async commitAlert({ alert, expectedVersion, transitions, dueAtMs }) {
      database.write(() => {
        putAlert(database, alert, expectedVersion);
        for (const transition of transitions) addTransition(database, transition, dueAtMs);
      });
    },
    async listTransitions({ fromMs, toMs, alertId, limit }) {
      const of = alertId === undefined ? '' : 'AND alert_id = ?4';
      const sql = `SELECT body FROM transition WHERE at_ms BETWEEN ?1 AND ?2 ${of} ORDER BY at_ms, rowid LIMIT ?3`;
      return readValues<Transition>(
        database,
        sql,
        fromMs,
        toMs,
        limit,
        ...(alertId === undefined ? [] : [alertId]),
      );
    },
  };
}

function putAlert(database: Database, alert: Alert, expectedVersion: number): void {
  const row = { sql: 'SELECT version FROM alert WHERE id = ?', key: [alert.id], what: `alert ${alert.id}` };
  expectVersion(database, row, expectedVersion);
  if (alert.status === 'ok') {
    database.prepare('DELETE FROM alert WHERE id = ?').run(alert.id);
    return;
  }
  database
    .prepare(
      `INSERT INTO alert (id, rule, version, body) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET version = excluded.version, body = excluded.body`,
    )
    .run(alert.id, alert.rule, expectedVersion + 1, JSON.stringify(alert));
}

/** A stored transition was notified already, or is in the outbox. */
function addTransition(database: Database, transition: Transition, dueAtMs: number): void {
  const { id, alertId, kind, atMs } = transition;
  const added = database
    .prepare(
      'INSERT INTO transition (id, alert_id, at_ms, body) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
    )
    .run(id, alertId, atMs, JSON.stringify(transition));
  if (Number(added.changes) === 0 || (kind !== 'firing' && kind !== 'resolved')) return;
  database.prepare('INSERT INTO outbox (id, due_ms) VALUES (?, ?)').run(id, dueAtMs);
}
