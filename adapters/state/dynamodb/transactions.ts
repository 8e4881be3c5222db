import type { Owned } from './incident-writes.ts';
import { beyondLimits, type Write } from './table.ts';

/** Incidents that one transaction must write, with all their writes. */
export interface Unit {
  owned: readonly Owned[];
  writes: readonly Write[];
}

/**
 * The transactions of a commit, in their order: one, where DynamoDB takes that. `last` goes with the last of them, and
 * `guards` with those before, which only take effect while what `last` ends has not been ended by another.
 */
export function splitIntoTransactions(
  units: readonly Unit[],
  { guards, last }: { guards: readonly Write[]; last: readonly Write[] },
): Unit[] {
  const full: Unit[] = [];
  let transaction: Unit = { owned: [], writes: last };
  for (const unit of units) {
    const joined = {
      owned: [...transaction.owned, ...unit.owned],
      writes: [...transaction.writes, ...unit.writes],
    };
    if (transaction.owned.length === 0 || beyondLimits(joined.writes) === undefined) {
      transaction = joined;
      continue;
    }
    full.push(transaction);
    transaction = { owned: unit.owned, writes: [...guards, ...unit.writes] };
  }
  // The first one that was filled has `last`.
  return [...full, transaction].reverse();
}
