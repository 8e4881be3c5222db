import { ConflictError } from '../../../core/errors.ts';
import type { Delivery, Incident } from '../../../core/notify/model.ts';
import type { Versioned } from '../../../core/ports.ts';
import { historyAttributes } from './history.ts';
import { keys, sortable } from './layout.ts';
import { recordWrites, type Stored } from './record.ts';
import { atVersion, type Write } from './table.ts';
import type { World } from './world.ts';

/** An incident that is to be stored, and what is stored of it. */
export interface Owned extends Versioned<Incident> {
  before: Stored<Incident> | undefined;
}

/** Writes of one commit: each incident, its entry in what is due, and whose the open place of its group is. */
export async function incidentWrites(owned: readonly Owned[], world: World): Promise<Write[]> {
  const incidents = await Promise.all(owned.map((one) => recordOf(one, world)));
  return [...incidents.flat(), ...owned.flatMap(dueWrites), ...groupWrites(owned)];
}

export async function deliveryWrites(delivery: Delivery, world: World): Promise<Write[]> {
  const { id, incidentId, atMs } = delivery;
  const order = `${sortable(atMs)}#${sortable(world.clock.nowMs())}#${id}`;
  return recordWrites({
    key: keys.delivery(incidentId, id),
    kind: 'delivery',
    value: delivery,
    attributes: { ...historyAttributes('delivery', id, order), expiresAt: world.expiresAt(atMs) },
  });
}

async function recordOf({ value, version, before }: Owned, world: World): Promise<Write[]> {
  const { id, openedAtMs, closedAtMs } = value;
  const kind = closedAtMs === undefined ? 'incident-open' : 'incident-closed';
  return recordWrites({
    key: keys.incident(id),
    kind: 'incident',
    value,
    attributes: {
      version: version + 1,
      ...historyAttributes(kind, id, `${sortable(openedAtMs)}#${id}`),
      closedAtMs,
      expiresAt: closedAtMs === undefined ? undefined : world.expiresAt(closedAtMs),
    },
    if: atVersion(version),
    before: before?.head,
  });
}

function dueWrites({ value, before }: Owned): Write[] {
  const [was, is] = [dueOf(before?.value), dueOf(value)];
  if (was === is) return [];
  return [
    ...(was === undefined ? [] : [{ remove: keys.due(value.id, was) }]),
    ...(is === undefined ? [] : [{ put: { ...keys.due(value.id, is), kind: 'due', v: 1, id: value.id } }]),
  ];
}

/** A closed incident is never due, whatever it says. */
function dueOf(incident: Incident | undefined): number | undefined {
  return incident?.closedAtMs === undefined ? incident?.dueAtMs : undefined;
}

/**
 * An incident that opens takes the place of its group, if that is free or becomes free in the same commit; one that
 * closes gives it back. A transaction may touch an item once.
 */
function groupWrites(owned: readonly Owned[]): Write[] {
  const closing = new Map<string, Owned>();
  const opening = new Map<string, Owned>();
  for (const one of owned) {
    const { pk } = keys.group(one.value);
    const was = one.before !== undefined && one.before.value.closedAtMs === undefined;
    const is = one.value.closedAtMs === undefined;
    if (was && !is) closing.set(pk, one);
    if (was || !is) continue;
    if (opening.has(pk)) throw new ConflictError('two incidents of one route, channel and group would open');
    opening.set(pk, one);
  }
  const given = [...closing].filter(([pk]) => !opening.has(pk)).map(([, { value }]) => release(value));
  const taken = [...opening].map(([pk, { value }]) => take(value, closing.get(pk)?.value.id));
  return [...given, ...taken];
}

function release(incident: Incident): Write {
  return { remove: keys.group(incident), if: { is: 'equal', attribute: 'incidentId', to: [incident.id] } };
}

function take(incident: Incident, from: string | undefined): Write {
  return {
    put: { ...keys.group(incident), kind: 'group', v: 1, incidentId: incident.id },
    if:
      from === undefined
        ? { is: 'absent' }
        : { is: 'equal', attribute: 'incidentId', to: [from], orAbsent: true },
  };
}
