import type { Owned } from './incident-writes.ts';
import { beyondLimits, type Write } from './table.ts';

/** Incidents that must be written together, with all that belongs to them. */
export interface Unit {
  owned: readonly Owned[];
  writes: readonly Write[];
}

/**
 * The transactions of a commit, in their order: one, where DynamoDB takes that. `last` goes with the last of them, and
 * `guards` with those before, which only take effect while what `last` ends has not been ended by another.
 */
export function portionsOf(
  units: readonly Unit[],
  { guards, last }: { guards: readonly Write[]; last: readonly Write[] },
): Unit[] {
  const full: Unit[] = [];
  let portion: Unit = { owned: [], writes: last };
  for (const unit of units) {
    const joined = { owned: [...portion.owned, ...unit.owned], writes: [...portion.writes, ...unit.writes] };
    if (portion.owned.length === 0 || beyondLimits(joined.writes) === undefined) {
      portion = joined;
      continue;
    }
    full.push(portion);
    portion = { owned: unit.owned, writes: [...guards, ...unit.writes] };
  }
  // The first that was filled is the one with `last`.
  return [...full, portion].reverse();
}
