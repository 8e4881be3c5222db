import type { Incident } from '../../../core/notify/model.ts';
import type { Versioned } from '../../../core/ports.ts';
import { forEachAtOnce } from '../../ssh/at-once.ts';
import type { Owned } from './incident-writes.ts';
import { keys } from './layout.ts';
import type { Table } from './table.ts';

const AT_ONCE = 16;

export interface Links {
  /** Ids of incidents that may hold the alert: all that do, and perhaps some that do no more. */
  incidentsOf(alertId: string): Promise<string[]>;
  /** Before the commit: of alerts that come into their incident. */
  add(owned: readonly Owned[]): Promise<void>;
  /** After the commit: of alerts that have left. */
  remove(owned: readonly Owned[]): Promise<void>;
  /** Of incidents that were found not to hold the alert. */
  forget(alertId: string, incidents: readonly Versioned<Incident>[]): Promise<void>;
}

/**
 * Which incidents an alert is in. An incident may hold thousands of alerts, more than one transaction takes, so links
 * are hints that surround it: one is there before its incident says so and goes after. Each bears the version of the
 * incident it was made for, and only who knows that version or a later one may remove it: a slow writer cannot take
 * away what a faster one has linked anew.
 */
export function createLinks(table: Table): Links {
  async function drop(alertId: string, incidentId: string, version: number): Promise<void> {
    await table.write([
      {
        remove: keys.link(alertId, incidentId),
        if: { is: 'below', attribute: 'version', than: version + 1 },
      },
    ]);
  }

  return {
    async incidentsOf(alertId) {
      const prefix = keys.link(alertId, '').sk;
      const found = await table.query({ pk: keys.linksOf(alertId), beginsWith: prefix });
      return found.map(({ sk }) => sk.slice(prefix.length));
    },
    async add(owned) {
      const missing = owned.flatMap(({ value, version, before }) => {
        const linked = new Set(alertsOf(before?.value));
        const wanted = alertsOf(value).filter((alertId) => !linked.has(alertId));
        return wanted.map((alertId) => ({ alertId, id: value.id, version: version + 1 }));
      });
      await forEachAtOnce(missing, AT_ONCE, async ({ alertId, id, version }) => {
        const put = { ...keys.link(alertId, id), kind: 'link', v: 1, version };
        await table.write([{ put, if: { is: 'below', attribute: 'version', than: version } }]);
      });
    },
    async remove(owned) {
      const gone = owned.flatMap(({ value, version, before }) => {
        const wanted = new Set(alertsOf(value));
        const left = alertsOf(before?.value).filter((alertId) => !wanted.has(alertId));
        return left.map((alertId) => ({ alertId, id: value.id, version: version + 1 }));
      });
      await forEachAtOnce(gone, AT_ONCE, ({ alertId, id, version }) => drop(alertId, id, version));
    },
    async forget(alertId, incidents) {
      await forEachAtOnce(incidents, AT_ONCE, ({ value, version }) => drop(alertId, value.id, version));
    },
  };
}

/** Of an open incident, each once. */
function alertsOf(incident: Incident | undefined): string[] {
  if (!incident || incident.closedAtMs !== undefined) return [];
  return [...new Set(incident.alerts.map((alert) => alert.alertId))];
}
