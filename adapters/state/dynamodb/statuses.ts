import { retryConflicts } from '../../../core/conflicts.ts';
import { ConflictError, RetryableError } from '../../../core/errors.ts';
import type { TargetStatus } from '../../../core/model/target-status.ts';
import { greatestOf } from '../../../core/numbers/extremes.ts';

import type { StateStore } from '../../../core/ports.ts';
import { newestStatuses } from '../newest-statuses.ts';
import type { StateContext } from './context.ts';
import { buckets, keys } from './layout.ts';
import { loadRecord, openRecords, recordRemoval, recordWrites } from './record.ts';
import { atVersion, type Key } from './table.ts';

const PAUSE_MS = 20;
/** A target that its batch saw no more for so long, while it saw others, has left it: moved to another, or is gone. */
const LEFT_MS = 86_400_000;

/**
 * One item holds the targets of a batch, so a message of a batch is one read and one write; an item for each cluster,
 * whose nodes are spread over batches, was a third of the bill of 30,000 nodes, their samples apart. Targets that leave
 * a batch are put aside once, lest all its writes carry them until they expire: from what one batch sees nobody can
 * tell a node that moved from one that is gone, which is listed like the others.
 */
export function createStatuses(
  context: StateContext,
): Pick<StateStore, 'putTargetStatus' | 'listTargetStatus'> {
  const { table } = context;
  const isKept = ({ roundMs }: TargetStatus) => context.expiresAt(roundMs) * 1000 > context.clock.nowMs();

  /** Messages of one batch that come at once try until each has added its own. */
  async function merge(key: Key, added: readonly TargetStatus[], asideKey?: Key): Promise<void> {
    const write = async () => {
      const stored = await loadRecord<TargetStatus[]>(table, key);
      const before = stored?.value ?? [];
      // Drops those of nodes that are gone. `expiresAt` removes an item that nobody writes any more.
      const all = newestStatuses([...before, ...added]).filter(isKept);
      const { here, left } = asideKey ? splitDeparted(all) : { here: all, left: [] };
      // First, so that a function killed in between leaves them in both places rather than in none.
      if (asideKey && left.length > 0) await merge(asideKey, left);
      const known = new Set(before.map((status) => JSON.stringify(status)));
      if (here.every((status) => known.has(JSON.stringify(status)))) return;
      const version = Number(stored?.head.version ?? 0);
      const writes = await recordWrites({
        key,
        kind: 'status',
        value: here,
        attributes: { version: version + 1, expiresAt: expiryOf(context, here) },
        if: atVersion(version),
        before: stored?.head,
      });
      if ((await table.write(writes)).length > 0) throw new ConflictError(`${key.sk} was changed by another`);
    };
    await retryConflicts(write, {
      pause: () => context.sleep(PAUSE_MS * (0.5 + context.random())),
      gaveUp: (cause) =>
        new RetryableError(`the statuses ${key.sk} were written by others all the time`, { cause }),
    });
  }

  return {
    putTargetStatus: (statuses, batch) => merge(keys.status(batch), statuses, keys.statusAside(batch)),
    async listTargetStatus() {
      const heads = await Promise.all(buckets('status').map((pk) => table.query({ pk })));
      const stored = await openRecords<TargetStatus[]>(table, heads.flat());
      // What expired elsewhere may still lie in an item that nobody writes, as an older status of the same node.
      return newestStatuses(stored.flatMap(({ value }) => value)).filter(isKept);
    },
  };
}

/** Removes statuses that are older, as `StateStore.prune` says; returns how many. */
export async function pruneStatuses(context: StateContext, olderThanMs: number): Promise<number> {
  const { table } = context;
  let removed = 0;
  const heads = await Promise.all(buckets('status').map((pk) => table.query({ pk })));
  for (const { head, value } of await openRecords<TargetStatus[]>(table, heads.flat())) {
    const kept = value.filter((status) => status.roundMs >= olderThanMs);
    if (kept.length === value.length) continue;
    const version = Number(head.version);
    const writes =
      kept.length === 0
        ? recordRemoval(head, atVersion(version))
        : await recordWrites({
            key: { pk: head.pk, sk: head.sk },
            kind: 'status',
            value: kept,
            attributes: { version: version + 1, expiresAt: expiryOf(context, kept) },
            if: atVersion(version),
            before: head,
          });
    if ((await table.write(writes)).length === 0) removed += value.length - kept.length;
  }
  return removed;
}

/** When an item with these statuses expires: with the newest. */
function expiryOf(context: StateContext, statuses: readonly TargetStatus[]): number {
  return context.expiresAt(greatestOf([0, ...statuses.map(({ roundMs }) => roundMs)]));
}

/** Compares within a check: one that runs once a week, or that a lost bastion delayed, is old for all targets alike. */
function splitDeparted(statuses: readonly TargetStatus[]): { here: TargetStatus[]; left: TargetStatus[] } {
  const newestMs = new Map<string, number>();
  for (const { check, roundMs } of statuses) {
    newestMs.set(check, Math.max(newestMs.get(check) ?? 0, roundMs));
  }
  const hasLeft = ({ check, roundMs }: TargetStatus) => (newestMs.get(check) ?? 0) - roundMs > LEFT_MS;
  return {
    here: statuses.filter((status) => !hasLeft(status)),
    left: statuses.filter(hasLeft),
  };
}
