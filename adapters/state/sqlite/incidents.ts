import { ConflictError } from '../../../core/errors.ts';
import type { Delivery } from '../../../core/model/delivery.ts';
import type { Incident } from '../../../core/model/incident.ts';
import type { Transition } from '../../../core/model/transition.ts';
import type { StateStore } from '../../../core/ports.ts';
import type { Database } from '../../sqlite/database.ts';
import { isUniqueError, parseStored } from '../../sqlite/errors.ts';
import { expectVersion, readEach, readRows, readValues, readVersioned } from './table.ts';

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
export function createIncidents(database: Database): Incidents {
  return {
    async dueOutbox(nowMs, limit) {
      const sql = `SELECT o.id, o.due_ms, t.body FROM outbox AS o JOIN transition AS t ON t.id = o.id
        WHERE o.due_ms <= ? ORDER BY o.due_ms, t.at_ms, t.rowid LIMIT ?`;
      const read = ([id, dueAtMs, body]: [string, number, string]) => ({
        id,
        dueAtMs,
        transition: parseStored<Transition>(body),
      });
      return readEach(database, { sql, parameters: [nowMs, limit], read });
    },
    async findIncident(route, channel, groupKey) {
      const sql = `SELECT body, version FROM incident
        WHERE route = ? AND channel = ? AND group_key = ? AND closed_ms IS NULL`;
      return readVersioned<Incident>(database, sql, route, channel, groupKey)[0];
    },
    async incidentsOfAlert(alertId) {
      const sql = `SELECT i.body, i.version FROM incident_alert AS a JOIN incident AS i ON i.id = a.incident_id
        WHERE a.alert_id = ? ORDER BY i.opened_ms, i.id`;
      return readVersioned<Incident>(database, sql, alertId);
    },
    async loadIncident(id) {
      return readVersioned<Incident>(database, 'SELECT body, version FROM incident WHERE id = ?', id)[0];
    },
    async dueIncidents(nowMs, limit) {
      const sql = `SELECT body, version FROM incident
        WHERE closed_ms IS NULL AND due_ms IS NOT NULL AND due_ms <= ? ORDER BY due_ms, id LIMIT ?`;
      return readVersioned<Incident>(database, sql, nowMs, limit);
    },
    async openIncidents() {
      const sql = 'SELECT body, version FROM incident WHERE closed_ms IS NULL ORDER BY opened_ms, id';
      return readVersioned<Incident>(database, sql);
    },
    async listIncidents({ open, limit }) {
      const which = open === undefined ? '' : `WHERE closed_ms IS ${open ? 'NULL' : 'NOT NULL'}`;
      const sql = `SELECT body FROM incident ${which} ORDER BY opened_ms DESC, id LIMIT ?`;
      return readValues<Incident>(database, sql, limit);
    },
    async commitIncidents({ incidents, consumed = [], delivery }) {
      // Those that close first: another of their group may open in the same commit.
      const ordered = [...incidents].sort((a, b) => Number(isOpen(a.value)) - Number(isOpen(b.value)));
      database.write(() => {
        for (const { value, version } of ordered) putIncident(database, value, version);
        for (const id of consumed) database.prepare('DELETE FROM outbox WHERE id = ?').run(id);
        if (delivery) putDelivery(database, delivery);
      });
    },
    async listDeliveries({ incidentId, limit }) {
      const which = incidentId === undefined ? '' : 'WHERE incident_id = ?2';
      const sql = `SELECT body FROM delivery ${which} ORDER BY at_ms DESC, rowid DESC LIMIT ?1`;
      return readValues<Delivery>(database, sql, limit, ...(incidentId === undefined ? [] : [incidentId]));
    },
    async nextDueMs() {
      const sql = `SELECT min(due_ms) FROM (SELECT min(due_ms) AS due_ms FROM outbox UNION ALL
        SELECT min(due_ms) FROM incident WHERE closed_ms IS NULL AND due_ms IS NOT NULL)`;
      return readRows<[number | null]>(database, sql)[0]?.[0] ?? undefined;
    },
  };
}

const isOpen = (incident: Incident): boolean => incident.closedAtMs === undefined;

function putIncident(database: Database, incident: Incident, version: number): void {
  const { id, route, channel, groupKey, openedAtMs, closedAtMs, dueAtMs } = incident;
  expectVersion(
    database,
    { sql: 'SELECT version FROM incident WHERE id = ?', key: [id], what: `incident ${id}` },
    version,
  );
  try {
    database
      .prepare(
        `INSERT INTO incident (id, version, route, channel, group_key, opened_ms, closed_ms, due_ms, body)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET version = excluded.version, closed_ms = excluded.closed_ms,
           due_ms = excluded.due_ms, body = excluded.body`,
      )
      .run(
        id,
        version + 1,
        route,
        channel,
        groupKey,
        openedAtMs,
        closedAtMs ?? null,
        dueAtMs ?? null,
        JSON.stringify(incident),
      );
  } catch (cause) {
    if (!isUniqueError(cause)) throw cause;
    throw new ConflictError(`another incident of ${route}, ${channel} and this group is open`, { cause });
  }
  database.prepare('DELETE FROM incident_alert WHERE incident_id = ?').run(id);
  if (!isOpen(incident)) return;
  const link = database.prepare('INSERT OR IGNORE INTO incident_alert (alert_id, incident_id) VALUES (?, ?)');
  for (const { alertId } of incident.alerts) link.run(alertId, id);
}

function putDelivery(database: Database, delivery: Delivery): void {
  database
    .prepare('INSERT OR REPLACE INTO delivery (id, incident_id, at_ms, body) VALUES (?, ?, ?, ?)')
    .run(delivery.id, delivery.incidentId, delivery.atMs, JSON.stringify(delivery));
}
