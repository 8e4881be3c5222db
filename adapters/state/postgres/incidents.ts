import { ConflictError } from '../../../core/errors.ts';
import type { Delivery } from '../../../core/model/delivery.ts';
import type { Incident } from '../../../core/model/incident.ts';
import type { Transition } from '../../../core/model/transition.ts';
import type { StateStore, Versioned } from '../../../core/ports.ts';
import type { PostgresDatabase } from '../../postgres/database.ts';
import { isUniqueError } from '../../postgres/errors.ts';
import type { Session } from '../../postgres/session.ts';
import { expectChanged, readValues, readVersioned } from './table.ts';

type Incidents = Pick<
  StateStore,
  | 'dueOutbox'
  | 'findIncident'
  | 'incidentsOfAlert'
  | 'loadIncident'
  | 'dueIncidents'
  | 'openIncidents'
  | 'listIncidents'
  | 'commitIncidents'
  | 'listDeliveries'
  | 'nextDueMs'
>;

/** The state that notify reads and writes. */
export function createIncidents(database: PostgresDatabase): Incidents {
  return {
    async dueOutbox(nowMs, limit) {
      const sql = `SELECT o.id, o.due_ms, t.body FROM outbox AS o JOIN transition AS t ON t.id = o.id
        WHERE o.due_ms <= $1 ORDER BY o.due_ms, t.at_ms, t.seq LIMIT $2`;
      const rows = await database.rows<[string, number, string]>(sql, [nowMs, limit]);
      return rows.map(([id, dueAtMs, body]) => ({ id, dueAtMs, transition: JSON.parse(body) as Transition }));
    },
    async findIncident(route, channel, groupKey) {
      const sql = `SELECT body, version FROM incident
        WHERE route = $1 AND channel = $2 AND md5(group_key) = md5($3) AND closed_ms IS NULL`;
      return (await readVersioned<Incident>(database, sql, [route, channel, groupKey]))[0];
    },
    async incidentsOfAlert(alertId) {
      const sql = `SELECT i.body, i.version FROM incident_alert AS a JOIN incident AS i ON i.id = a.incident_id
        WHERE a.alert_id = $1 ORDER BY i.opened_ms, i.id`;
      return readVersioned<Incident>(database, sql, [alertId]);
    },
    async loadIncident(id) {
      const sql = 'SELECT body, version FROM incident WHERE id = $1';
      return (await readVersioned<Incident>(database, sql, [id]))[0];
    },
    async dueIncidents(nowMs, limit) {
      const sql = `SELECT body, version FROM incident
        WHERE closed_ms IS NULL AND due_ms IS NOT NULL AND due_ms <= $1 ORDER BY due_ms, id LIMIT $2`;
      return readVersioned<Incident>(database, sql, [nowMs, limit]);
    },
    async openIncidents() {
      const sql = 'SELECT body, version FROM incident WHERE closed_ms IS NULL ORDER BY opened_ms, id';
      return readVersioned<Incident>(database, sql);
    },
    async listIncidents({ open, limit }) {
      const which = open === undefined ? '' : `WHERE closed_ms IS ${open ? 'NULL' : 'NOT NULL'}`;
      const sql = `SELECT body FROM incident ${which} ORDER BY opened_ms DESC, id LIMIT $1`;
      return readValues<Incident>(database, sql, [limit]);
    },
    async commitIncidents({ incidents, consumed = [], delivery }) {
      // Those that close first: another of their group may open in the same commit.
      const ordered = [...incidents].sort(byOpening);
      await database.write(async (session) => {
        for (const { value, version } of ordered) await putIncident(session, value, version);
        if (consumed.length > 0)
          await session.query('DELETE FROM outbox WHERE id = ANY ($1::text[])', [consumed]);
        if (delivery) await putDelivery(session, delivery);
      });
    },
    async listDeliveries({ incidentId, limit }) {
      const which = incidentId === undefined ? '' : 'WHERE incident_id = $2';
      const sql = `SELECT body FROM delivery ${which} ORDER BY at_ms DESC, seq DESC LIMIT $1`;
      const values = [limit, ...(incidentId === undefined ? [] : [incidentId])];
      return readValues<Delivery>(database, sql, values);
    },
    async nextDueMs() {
      const sql = `SELECT min(due_ms) FROM (SELECT min(due_ms) AS due_ms FROM outbox UNION ALL
        SELECT min(due_ms) FROM incident WHERE closed_ms IS NULL AND due_ms IS NOT NULL) AS due`;
      return (await database.rows<[number | null]>(sql))[0]?.[0] ?? undefined;
    },
  };
}

const isOpen = (incident: Incident): boolean => incident.closedAtMs === undefined;

/** By id besides, so that two writers seldom wait for each other. */
function byOpening({ value: a }: Versioned<Incident>, { value: b }: Versioned<Incident>): number {
  return Number(isOpen(a)) - Number(isOpen(b)) || (a.id < b.id ? -1 : 1);
}

async function putIncident(session: Session, incident: Incident, version: number): Promise<void> {
  const { id, route, channel, groupKey, openedAtMs, closedAtMs, dueAtMs } = incident;
  const times = [closedAtMs ?? null, dueAtMs ?? null];
  try {
    const written =
      version === 0
        ? await session.query(
            `INSERT INTO incident (id, version, closed_ms, due_ms, body, route, channel, group_key, opened_ms)
             VALUES ($1, $2 + 1, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING`,
            [id, version, ...times, JSON.stringify(incident), route, channel, groupKey, openedAtMs],
          )
        : await session.query(
            `UPDATE incident SET version = $2 + 1, closed_ms = $3, due_ms = $4, body = $5
             WHERE id = $1 AND version = $2`,
            [id, version, ...times, JSON.stringify(incident)],
          );
    expectChanged(written, `incident ${id}`, version);
  } catch (cause) {
    if (!isUniqueError(cause)) throw cause;
    throw new ConflictError(`another incident of ${route}, ${channel} and this group is open`, { cause });
  }
  await session.query('DELETE FROM incident_alert WHERE incident_id = $1', [id]);
  if (!isOpen(incident) || incident.alerts.length === 0) return;
  const alertIds = [...new Set(incident.alerts.map(({ alertId }) => alertId))];
  await session.query(
    'INSERT INTO incident_alert (alert_id, incident_id) SELECT unnest($1::text[]), $2 ON CONFLICT DO NOTHING',
    [alertIds, id],
  );
}

async function putDelivery(session: Session, delivery: Delivery): Promise<void> {
  await session.query(
    `INSERT INTO delivery (id, incident_id, at_ms, body) VALUES ($1, $2, $3, $4)
     ON CONFLICT (id) DO UPDATE SET incident_id = excluded.incident_id, at_ms = excluded.at_ms, body = excluded.body`,
    [delivery.id, delivery.incidentId, delivery.atMs, JSON.stringify(delivery)],
  );
}
