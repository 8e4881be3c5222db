import type { Alert } from '../../../core/model/alert.ts';
import type { Checkpoint } from '../../../core/model/checkpoint.ts';
import type { Transition } from '../../../core/model/transition.ts';
import type { StateStore } from '../../../core/ports.ts';
import type { PostgresDatabase } from '../../postgres/database.ts';
import type { Session } from '../../postgres/session.ts';
import { expectChanged, readValues, readVersioned } from './table.ts';

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
export function createAlerts(database: PostgresDatabase): Alerts {
  return {
    async loadCheckpoint(rule, shard) {
      const sql = 'SELECT body, version FROM checkpoint WHERE rule = $1 AND shard = $2';
      return (await readVersioned<Checkpoint>(database, sql, [rule, shard]))[0];
    },
    async saveCheckpoint(rule, shard, checkpoint, expectedVersion) {
      const sql =
        expectedVersion === 0
          ? 'INSERT INTO checkpoint (rule, shard, version, body) VALUES ($1, $2, $3 + 1, $4) ON CONFLICT DO NOTHING'
          : 'UPDATE checkpoint SET version = $3 + 1, body = $4 WHERE rule = $1 AND shard = $2 AND version = $3';
      await database.write(async (session) => {
        const values = [rule, shard, expectedVersion, JSON.stringify(checkpoint)];
        expectChanged(await session.query(sql, values), `checkpoint of ${rule}`, expectedVersion);
      });
    },
    async deleteCheckpoint(rule, shard) {
      const sql = 'DELETE FROM checkpoint WHERE rule = $1 AND shard = $2';
      await database.write((session) => session.query(sql, [rule, shard]));
    },
    async listRules() {
      const sql = 'SELECT rule FROM checkpoint UNION SELECT rule FROM alert ORDER BY rule';
      return (await database.rows<[string]>(sql)).map(([rule]) => rule);
    },
    async listCheckpoints(rule) {
      const sql = 'SELECT shard FROM checkpoint WHERE rule = $1 ORDER BY shard';
      return (await database.rows<[string]>(sql, [rule])).map(([shard]) => shard);
    },
    async listAlerts(rule) {
      const sql = 'SELECT body, version FROM alert';
      if (rule === undefined) return readVersioned<Alert>(database, `${sql} ORDER BY seq`);
      return readVersioned<Alert>(database, `${sql} WHERE rule = $1 ORDER BY seq`, [rule]);
    },
    async commitAlert({ alert, expectedVersion, transitions, dueAtMs }) {
      await database.write(async (session) => {
        await putAlert(session, alert, expectedVersion);
        for (const transition of transitions) await addTransition(session, transition, dueAtMs);
      });
    },
    async listTransitions({ fromMs, toMs, alertId, limit }) {
      const of = alertId === undefined ? '' : 'AND alert_id = $4';
      const sql = `SELECT body FROM transition WHERE at_ms BETWEEN $1 AND $2 ${of} ORDER BY at_ms, seq LIMIT $3`;
      const values = [fromMs, toMs, limit, ...(alertId === undefined ? [] : [alertId])];
      return readValues<Transition>(database, sql, values);
    },
  };
}

async function putAlert(session: Session, alert: Alert, expectedVersion: number): Promise<void> {
  const { id, rule } = alert;
  const values = [id, rule, expectedVersion, JSON.stringify(alert)];
  const what = `alert ${id}`;
  if (expectedVersion === 0) {
    const sql =
      'INSERT INTO alert (id, rule, version, body) VALUES ($1, $2, $3 + 1, $4) ON CONFLICT DO NOTHING';
    expectChanged(await session.query(sql, values), what, expectedVersion);
    if (alert.status !== 'ok') return;
    // The row was only the proof that there was none.
    await session.query('DELETE FROM alert WHERE id = $1', [id]);
  } else if (alert.status === 'ok') {
    const sql = 'DELETE FROM alert WHERE id = $1 AND version = $2';
    expectChanged(await session.query(sql, [id, expectedVersion]), what, expectedVersion);
  } else {
    const sql = 'UPDATE alert SET rule = $2, version = $3 + 1, body = $4 WHERE id = $1 AND version = $3';
    expectChanged(await session.query(sql, values), what, expectedVersion);
  }
}

/** A stored transition was notified already, or is in the outbox. */
async function addTransition(session: Session, transition: Transition, dueAtMs: number): Promise<void> {
  const { id, alertId, kind, atMs } = transition;
  const { count } = await session.query(
    'INSERT INTO transition (id, alert_id, at_ms, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
    [id, alertId, atMs, JSON.stringify(transition)],
  );
  if (count === 0 || (kind !== 'firing' && kind !== 'resolved')) return;
  await session.query('INSERT INTO outbox (id, due_ms) VALUES ($1, $2)', [id, dueAtMs]);
}
