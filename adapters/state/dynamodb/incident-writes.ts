import { ConflictError } from '../../../core/errors.ts';
import type { Delivery } from '../../../core/model/delivery.ts';
import type { Incident } from '../../../core/model/incident.ts';
import type { Versioned } from '../../../core/ports.ts';
import type { StateContext } from './context.ts';
import { historyAttributes } from './history.ts';
import { keys, sortable } from './layout.ts';
import { recordWrites, type Stored } from './record.ts';
import { atVersion, type Write } from './table.ts';

/** An incident to store, with its stored version. */
export interface Owned extends Versioned<Incident> {
  before: Stored<Incident> | undefined;
}

/** Writes of one commit: each incident, its due entry, and the entry that names its group's open incident. */
export async function incidentWrites(owned: readonly Owned[], context: StateContext): Promise<Write[]> {
  const incidents = await Promise.all(owned.map((one) => recordOf(one, context)));
  return [...incidents.flat(), ...owned.flatMap(dueWrites), ...groupWrites(owned)];
}

export async function deliveryWrites(delivery: Delivery, context: StateContext): Promise<Write[]> {
  const { id, incidentId, atMs } = delivery;
  const order = `${sortable(atMs)}#${sortable(context.clock.nowMs())}#${id}`;
  return recordWrites({
    key: keys.delivery(incidentId, id),
    kind: 'delivery',
    value: delivery,
    attributes: { ...historyAttributes('delivery', id, order), expiresAt: context.expiresAt(atMs) },
  });
}

async function recordOf({ value, version, before }: Owned, context: StateContext): Promise<Write[]> {
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
      expiresAt: closedAtMs === undefined ? undefined : context.expiresAt(closedAtMs),
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

/** A closed incident is never due, whatever its `dueAtMs`. */
function dueOf(incident: Incident | undefined): number | undefined {
  return incident?.closedAtMs === undefined ? incident?.dueAtMs : undefined;
}

/**
 * An opening incident takes the entry of its group, if that is free or becomes free in the same commit; a closing one
 * releases it. A transaction may write an item once.
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
