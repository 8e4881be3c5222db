// Which nodes were due and neither seen nor known to be lost. Pure.

import { type TargetStatus, WAY } from '../model/target-status.ts';
import { greatestOf } from '../numbers/extremes.ts';
import { type Due, entriesOf, requiredOf } from './due.ts';

/** Batches and nodes of a bastion that were due and neither seen nor known to be lost. */
export interface Absence {
  bastion: string;
  /** Index of batches of which nothing is known. */
  batches: readonly number[];
  nodes: number;
}

/** Bastions, and the newest round that one of their batches was lost in. */
export type LostBastions = Readonly<Record<string, number>>;

/** A batch, and what is known of it by now. */
interface Account {
  bastion: string;
  index: number;
  nodes: number;
  firstMs: number;
  lastMs: number;
  /** Undefined: none of its rounds must be seen by now. */
  requiredMs: number | undefined;
  outcome: 'seen' | 'lost' | 'unknown';
  /** Nodes that were seen in it in time. */
  seen: ReadonlySet<string>;
  /** Nodes that were seen in it at all. */
  known: ReadonlySet<string>;
}

/**
 * What is missing by these statuses: nodes of a batch that were not seen in it since its round. A batch whose bastion
 * failed is missing nothing: its nodes are known to be unknown.
 *
 * State knows of a node only where it was seen last, and nobody which nodes a batch had. So batches are counted by their
 * last round, in which each node was in one of them; where nodes may have left for a batch that began later, each node that
 * was seen there may be one of theirs. What still lacks then is absent for certain. With nodes that are new it may be told
 * late, but by the time that the new batches must be seen themselves.
 */
export function absences(due: Due, statuses: readonly TargetStatus[], lost: LostBastions = {}): Absence[] {
  const accounts = accountsOf(due, statuses, lost);
  const found = new Map<string, { batches: Set<number>; nodes: number }>();
  const required = accounts.filter(({ requiredMs }) => requiredMs !== undefined);
  for (const [lastMs, group] of Map.groupBy(required, ({ lastMs }) => lastMs)) {
    const later = accounts.filter(({ firstMs }) => firstMs > lastMs);
    for (const { bastion, batches, nodes } of absencesOf(group, later)) {
      const before = found.get(bastion);
      found.set(bastion, {
        batches: new Set([...(before?.batches ?? []), ...batches]),
        nodes: (before?.nodes ?? 0) + nodes,
      });
    }
  }
  return [...found].map(([bastion, { batches, nodes }]) => ({ bastion, batches: [...batches], nodes }));
}

/** What is absent from batches with the same last round; `later` are those that began after it. */
function absencesOf(group: readonly Account[], later: readonly Account[]): Absence[] {
  const counted = new Set(group.flatMap(({ seen }) => [...seen]));
  const movedTo = new Map<string, number>();
  for (const { bastion, nodes, outcome, known } of later) {
    // State may know of a node from two batches, by checks of both.
    const more = [...known].filter((node) => !counted.has(node));
    for (const node of more) counted.add(node);
    const moved = outcome === 'lost' ? nodes : more.length;
    movedTo.set(bastion, (movedTo.get(bastion) ?? 0) + moved);
  }
  const missing = [...Map.groupBy(group, ({ bastion }) => bastion)].map(([bastion, all]) => {
    const rest = all.filter(({ outcome }) => outcome !== 'lost');
    const batches = rest.filter(({ outcome }) => outcome === 'unknown').map(({ index }) => index);
    const nodes = rest.reduce((sum, one) => sum + Math.max(0, one.nodes - one.seen.size), 0);
    // Nodes stay behind their bastion more often than not.
    const stayed = Math.min(nodes, movedTo.get(bastion) ?? 0);
    movedTo.set(bastion, (movedTo.get(bastion) ?? 0) - stayed);
    return { bastion, batches, nodes: nodes - stayed };
  });
  let elsewhere = [...movedTo.values()].reduce((sum, nodes) => sum + nodes, 0);
  return missing.flatMap(({ nodes, ...one }) => {
    const moved = Math.min(nodes, elsewhere);
    elsewhere -= moved;
    return nodes > moved ? [{ ...one, nodes: nodes - moved }] : [];
  });
}

/** The bastions of what is due that were lost, by these statuses or before. */
export function lostBastions(
  due: Due,
  statuses: readonly TargetStatus[],
  before: LostBastions,
): LostBastions {
  const lost: Record<string, number> = {};
  for (const bastion of Object.keys(due.bastions)) {
    const rounds = statuses.filter(
      ({ cluster, node, check, ok }) => cluster === '' && node === bastion && !ok && !check.startsWith(WAY),
    );
    const newestMs = greatestOf([before[bastion] ?? 0, ...rounds.map(({ roundMs }) => roundMs)]);
    if (newestMs > 0) lost[bastion] = newestMs;
  }
  return lost;
}

function accountsOf(due: Due, statuses: readonly TargetStatus[], lost: LostBastions): Account[] {
  const ofBatch = new Map<string, TargetStatus>();
  for (const status of statuses) {
    if (status.cluster === '') ofBatch.set(nameOf({ bastion: status.node, index: status.check }), status);
  }
  const ofNodes = Map.groupBy(
    statuses.filter(({ cluster, batch }) => cluster !== '' && batch !== undefined),
    ({ batch }) => (batch ? nameOf(batch) : ''),
  );
  return entriesOf(due).map((entry): Account => {
    const { bastion, index, nodes, firstMs } = entry;
    const lastMs = greatestOf(entry.roundsMs);
    const requiredMs = requiredOf(entry, due);
    // What another batch of that index left is of other rounds.
    const isOf = (fromMs: number) => (status: TargetStatus) =>
      status.roundMs >= fromMs && status.roundMs <= lastMs;
    const own = ofNodes.get(nameOf(entry)) ?? [];
    const status = ofBatch.get(nameOf(entry));
    const sinceMs = requiredMs ?? firstMs;
    return {
      bastion,
      index,
      nodes,
      firstMs,
      lastMs,
      requiredMs,
      outcome: outcomeOf(status, { sinceMs, lastMs, lostMs: lost[bastion] ?? 0 }),
      seen: new Set(own.filter(isOf(sinceMs)).map(nodeOf)),
      known: new Set(own.filter(isOf(firstMs)).map(nodeOf)),
    };
  });
}

function outcomeOf(
  status: TargetStatus | undefined,
  { sinceMs, lastMs, lostMs }: { sinceMs: number; lastMs: number; lostMs: number },
): Account['outcome'] {
  if (!status || status.roundMs < sinceMs) return 'unknown';
  if (!status.ok) return 'lost';
  if (status.roundMs <= lastMs) return 'seen';
  // A later batch of that index has written over it.
  return lostMs >= sinceMs ? 'lost' : 'unknown';
}

/** The newest round of which a check of any node succeeded. */
export function lastSeenMs(statuses: readonly TargetStatus[]): number | undefined {
  const seen = statuses.filter(({ cluster, ok }) => cluster !== '' && ok);
  return seen.length === 0 ? undefined : greatestOf(seen.map(({ roundMs }) => roundMs));
}

function nameOf({ bastion, index }: { bastion: string; index: number | string }): string {
  return `${index} ${bastion}`;
}

function nodeOf({ cluster, node }: TargetStatus): string {
  return JSON.stringify([cluster, node]);
}
