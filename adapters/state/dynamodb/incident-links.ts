import type { Incident } from '../../../core/model/incident.ts';
import type { Versioned } from '../../../core/ports.ts';
import { forEachLimit } from '../../ssh/concurrency-limit.ts';
import type { Owned } from './incident-writes.ts';
import { keys } from './layout.ts';
import type { Table } from './table.ts';

const CONCURRENT_REQUESTS = 16;

export interface IncidentLinks {
  /** Ids of incidents that may hold the alert: all that do, and perhaps some that held it. */
  incidentsOf(alertId: string): Promise<string[]>;
  /** Call it before the commit: adds links of alerts that enter their incident. */
  add(owned: readonly Owned[]): Promise<void>;
  /** Call it after the commit: removes links of alerts that have left. */
  remove(owned: readonly Owned[]): Promise<void>;
  /** Removes links to incidents that do not hold the alert. */
  forget(alertId: string, incidents: readonly Versioned<Incident>[]): Promise<void>;
}

/**
 * Which incidents an alert is in. An incident may hold thousands of alerts, more than one transaction takes, so links
 * are hints that surround it: one is there before its incident says so and goes after. Each bears the version of the
 * incident it was made for, and only who knows that version or a later one may remove it: a slow writer cannot take
 * away what a faster one has linked anew.
 */
export function createIncidentLinks(table: Table): IncidentLinks {
  async function drop(alertId: string, incidentId: string, version: number): Promise<void> {
    await table.write([
      {
        remove: keys.incidentLink(alertId, incidentId),
        if: { is: 'below', attribute: 'version', than: version + 1 },
      },
    ]);
  }

  return {
    async incidentsOf(alertId) {
      const prefix = keys.incidentLink(alertId, '').sk;
      const found = await table.query({ pk: keys.incidentLinksOf(alertId), beginsWith: prefix });
      return found.map(({ sk }) => sk.slice(prefix.length));
    },
    async add(owned) {
      const missing = owned.flatMap(({ value, version, before }) => {
        const linked = new Set(alertsOf(before?.value));
        const wanted = alertsOf(value).filter((alertId) => !linked.has(alertId));
        return wanted.map((alertId) => ({ alertId, id: value.id, version: version + 1 }));
      });
      await forEachLimit(missing, CONCURRENT_REQUESTS, async ({ alertId, id, version }) => {
        const put = { ...keys.incidentLink(alertId, id), kind: 'link', v: 1, version };
        await table.write([{ put, if: { is: 'below', attribute: 'version', than: version } }]);
      });
    },
    async remove(owned) {
      const gone = owned.flatMap(({ value, version, before }) => {
        const wanted = new Set(alertsOf(value));
        const left = alertsOf(before?.value).filter((alertId) => !wanted.has(alertId));
        return left.map((alertId) => ({ alertId, id: value.id, version: version + 1 }));
      });
      await forEachLimit(gone, CONCURRENT_REQUESTS, ({ alertId, id, version }) => drop(alertId, id, version));
    },
    async forget(alertId, incidents) {
      await forEachLimit(incidents, CONCURRENT_REQUESTS, ({ value, version }) =>
        drop(alertId, value.id, version),
      );
    },
  };
}

/** The distinct alerts of an open incident. */
function alertsOf(incident: Incident | undefined): string[] {
  if (!incident || incident.closedAtMs !== undefined) return [];
  return [...new Set(incident.alerts.map((alert) => alert.alertId))];
}
