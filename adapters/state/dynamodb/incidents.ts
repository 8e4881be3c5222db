import { ConflictError } from '../../../core/errors.ts';
import type { Delivery } from '../../../core/model/delivery.ts';
import type { Incident } from '../../../core/model/incident.ts';
import type { Transition } from '../../../core/model/transition.ts';
import type { StateStore, Versioned } from '../../../core/ports.ts';
import { staleError } from './alerts.ts';
import type { StateContext } from './context.ts';
import { listHistory } from './history.ts';
import { createIncidentLinks } from './incident-links.ts';
import { deliveryWrites, incidentWrites, type Owned } from './incident-writes.ts';
import { buckets, keys, timeOf, upTo } from './layout.ts';
import { loadRecord, openRecords } from './record.ts';
import type { Condition, Item, Key, Table, Write } from './table.ts';
import { splitIntoTransactions } from './transactions.ts';

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
export function createIncidents(context: StateContext): Incidents {
  const { table } = context;
  const links = createIncidentLinks(table);

  async function load(id: string): Promise<Versioned<Incident> | undefined> {
    return (await loadAll([id]))[0];
  }

  /** Those that are there, in no order. */
  async function loadAll(ids: readonly string[]): Promise<Versioned<Incident>[]> {
    const stored = await openRecords<Incident>(table, await table.get(ids.map(keys.incident)));
    return stored.map(({ head, value }) => ({ value, version: Number(head.version) }));
  }

  return {
    async dueOutbox(nowMs, limit) {
      return (await dueEntries(table, 'outbox', nowMs, limit)).map((item) => ({
        id: String(item.id),
        dueAtMs: timeOf(item),
        transition: JSON.parse(String(item.body)) as Transition,
      }));
    },
    async findIncident(route, channel, groupKey) {
      const [group] = await table.get([keys.group({ route, channel, groupKey })]);
      const found = group && (await load(String(group.incidentId)));
      return found && isOpen(found.value) ? found : undefined;
    },
    async incidentsOfAlert(alertId) {
      const found = await loadAll(await links.incidentsOf(alertId));
      const [holding, others] = [true, false].map((wanted) =>
        found.filter(({ value }) => holds(value, alertId) === wanted),
      ) as [typeof found, typeof found];
      await links.forget(alertId, others);
      return holding.sort(
        (a, b) => a.value.openedAtMs - b.value.openedAtMs || (a.value.id < b.value.id ? -1 : 1),
      );
    },
    loadIncident: load,
    async dueIncidents(nowMs, limit) {
      const due = await dueEntries(table, 'due', nowMs, limit);
      const found = await loadAll(due.map((item) => String(item.id)));
      // Between the two reads another may have taken it.
      return found
        .filter(({ value }) => isOpen(value) && (value.dueAtMs ?? Infinity) <= nowMs)
        .sort(
          (a, b) => (a.value.dueAtMs ?? 0) - (b.value.dueAtMs ?? 0) || (a.value.id < b.value.id ? -1 : 1),
        );
    },
    async openIncidents() {
      const heads = await listHistory(table, { kind: 'incident-open', limit: Infinity });
      const found = await openRecords<Incident>(table, heads);
      return found
        .map(({ head, value }) => ({ value, version: Number(head.version) }))
        .filter(({ value }) => isOpen(value));
    },
    async listIncidents({ open, limit }) {
      const kinds = (['incident-open', 'incident-closed'] as const).filter(
        (kind) => open === undefined || open === (kind === 'incident-open'),
      );
      const found = await Promise.all(
        kinds.map((kind) => listHistory(table, { kind, newestFirst: true, limit })),
      );
      const stored = await openRecords<Incident>(table, found.flat());
      return stored
        .map(({ value }) => value)
        .filter((incident) => open === undefined || isOpen(incident) === open)
        .sort((a, b) => b.openedAtMs - a.openedAtMs || (a.id < b.id ? -1 : 1))
        .slice(0, limit);
    },
    async commitIncidents({ incidents, consumed = [], delivery }) {
      // When one incident of a group closes and another opens, one transaction writes both.
      const groups = Map.groupBy(await before(incidents), ({ value }) => keys.group(value).pk);
      const units = [...groups.values()].map(async (owned) => ({
        owned,
        writes: await incidentWrites(owned, context),
      }));
      const { guards, writes: last } = await consumption(consumed, incidents.length > 0);
      if (delivery) last.push(...(await deliveryWrites(delivery, context)));
      for (const { owned, writes } of splitIntoTransactions(await Promise.all(units), { guards, last })) {
        await links.add(owned);
        const failed = await table.write(writes);
        if (failed.length > 0) throw conflictOf(writes[failed[0] ?? 0], incidents);
        await links.remove(owned);
      }
    },
    async listDeliveries({ incidentId, limit }) {
      const heads =
        incidentId === undefined
          ? await listHistory(table, { kind: 'delivery', newestFirst: true, limit })
          : await table.query({ pk: keys.deliveriesOf(incidentId) });
      heads.sort((a, b) => (String(a.hsk) > String(b.hsk) ? -1 : 1));
      return (await openRecords<Delivery>(table, heads.slice(0, limit))).map(({ value }) => value);
    },
    async nextDueMs() {
      const firsts = await Promise.all(
        [...buckets('outbox'), ...buckets('due')].map((pk) => table.query({ pk, limit: 1 })),
      );
      const times = firsts.flat().map(timeOf);
      return times.length > 0 ? Math.min(...times) : undefined;
    },
  };

  /** Each incident with its stored version. @throws ConflictError when that is not the caller's version */
  async function before(incidents: readonly Versioned<Incident>[]): Promise<Owned[]> {
    return Promise.all(
      incidents.map(async ({ value, version }) => {
        if (version === 0) return { value, version, before: undefined };
        const stored = await loadRecord<Incident>(table, keys.incident(value.id));
        if (!stored || Number(stored.head.version) !== version) {
          throw staleError(`incident ${value.id}`, version);
        }
        return { value, version, before: stored };
      }),
    );
  }

  /**
   * Writes that remove items from the outbox. Items that have left are skipped; but absorbing one again would open an
   * incident for a transition that was notified, so that is a conflict. `guards` hold while no item has left.
   */
  async function consumption(
    ids: readonly string[],
    absorbed: boolean,
  ): Promise<{ guards: Write[]; writes: Write[] }> {
    const items = await table.get(ids.filter((id) => id !== '').map(keys.transition));
    const guards: Write[] = [];
    const writes: Write[] = [];
    for (const item of items) {
      const { owed, ...rest } = item;
      if (owed === undefined) {
        if (absorbed) throw new ConflictError(`${item.pk} was taken from the outbox already`);
        continue;
      }
      const still: Condition = { is: 'equal', attribute: 'owed', to: [owed] };
      const sentItem: Item = {
        ...(rest as Item),
        expiresAt: context.expiresAt(timeOf({ sk: String(item.hsk) })),
      };
      guards.push({ check: { pk: item.pk, sk: item.sk }, if: still });
      writes.push({ put: sentItem, if: still }, { remove: keys.outbox(String(item.apk), String(owed)) });
    }
    return { guards, writes };
  }
}

function isOpen(incident: Incident): boolean {
  return incident.closedAtMs === undefined;
}

function holds(incident: Incident, alertId: string): boolean {
  return isOpen(incident) && incident.alerts.some((alert) => alert.alertId === alertId);
}

/** Entries that are due by then, from all partitions, in order. */
async function dueEntries(
  table: Table,
  kind: 'outbox' | 'due',
  nowMs: number,
  limit: number,
): Promise<Item[]> {
  const found = await Promise.all(buckets(kind).map((pk) => table.query({ pk, to: upTo(nowMs), limit })));
  return found
    .flat()
    .sort((a, b) => (a.sk < b.sk ? -1 : 1))
    .slice(0, limit);
}

function conflictOf(write: Write | undefined, incidents: readonly Versioned<Incident>[]): ConflictError {
  const { pk } = write ? keyOf(write) : { pk: '' };
  if (pk.startsWith('group#'))
    return new ConflictError('another incident of this route, channel and group is open');
  const stale = incidents.find(({ value }) => pk === keys.incident(value.id).pk);
  if (stale) return staleError(`incident ${stale.value.id}`, stale.version);
  return new ConflictError(`${pk} was changed by another`);
}

function keyOf(write: Write): Key {
  if ('put' in write) return write.put;
  return 'remove' in write ? write.remove : write.check;
}
