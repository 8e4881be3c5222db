// Refuses to lose many nodes at once: all their alerts would resolve as removed, and nobody would notice.

/** A fleet as it was accepted last. */
export interface AcceptedFleet {
  /** Names of nodes. */
  nodes: readonly string[];
  /** Those that went before, and when. */
  gone: readonly { name: string; atMs: number }[];
}

export interface RemovalRefusal {
  /** Names of the nodes that would go, those of the last hour included. */
  lost: readonly string[];
  /** How many nodes there were. */
  of: number;
  /** How many of them may go. */
  most: number;
}

export type RemovalVerdict =
  | { kind: 'accepted'; fleet: AcceptedFleet }
  | { kind: 'refused'; refusal: RemovalRefusal };

/** The share of a fleet that may go within an hour, in percent. */
export const MOST_PERCENT = 10;
/** So many may always go, unless nothing is left: a share of three nodes is none. */
const ALWAYS = 2;
/** Losses within this time are added up: nine percent again and again are a fleet. */
const WITHIN_MS = 3_600_000;
const MOST_NAMES = 5;

/** Compares a fleet with the one that was accepted last. The first one is accepted, whatever it has. */
export function checkRemoval(input: {
  accepted: AcceptedFleet | undefined;
  nodes: readonly string[];
  nowMs: number;
  mostPercent?: number | undefined;
  /** Somebody has allowed this removal; later ones are counted from here. */
  isAllowed?: boolean;
}): RemovalVerdict {
  const { accepted, nodes, nowMs, mostPercent = MOST_PERCENT, isAllowed = false } = input;
  if (accepted === undefined || isAllowed) return { kind: 'accepted', fleet: { nodes, gone: [] } };
  const now = new Set(nodes);
  const recent = accepted.gone.filter(({ atMs }) => Math.abs(nowMs - atMs) < WITHIN_MS);
  const before = new Map(recent.map(({ name, atMs }) => [name, atMs]));
  for (const name of accepted.nodes) before.set(name, nowMs);
  const gone = [...before].filter(([name]) => !now.has(name)).map(([name, atMs]) => ({ name, atMs }));
  const most = Math.max(ALWAYS, Math.floor((before.size * mostPercent) / 100));
  const isEmptied = nodes.length === 0 && accepted.nodes.length > 0 && mostPercent < 100;
  if (isEmptied || gone.length > most) {
    const lost = gone.map(({ name }) => name);
    return { kind: 'refused', refusal: { lost, of: before.size, most: isEmptied ? 0 : most } };
  }
  return { kind: 'accepted', fleet: { nodes, gone } };
}

/** "12 of 40 nodes would go, and 4 may: prod/n1, …". */
export function removalText({ lost, of, most }: RemovalRefusal): string {
  const more = lost.length - MOST_NAMES;
  const names = `${lost.slice(0, MOST_NAMES).join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
  return `${lost.length} of ${of} nodes would go within an hour, and ${most === 0 ? 'not all' : most} may: ${names}`;
}
