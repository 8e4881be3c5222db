// What a round must bring: each planned node is seen soon, or its bastion is seen to be lost. Pure.

import { hashNumber } from '../hash.ts';
import type { Batch } from '../model/batch.ts';
import type { Check } from '../model/check.ts';
import type { Target } from '../model/target.ts';
import { greatestOf, leastOf } from '../numbers/extremes.ts';

/** A batch with the same nodes in all of its rounds. With others it is another batch, whatever its index. */
export interface DueBatch {
  index: number;
  nodes: number;
  /** Hash of the names of its nodes. */
  members: number;
}

/** Batches of a bastion that were planned for the same rounds, so that each round is written once. */
export interface DueBatches {
  /** Between two of their rounds, at least. */
  everyMs: number;
  /** Their first round of all. */
  firstMs: number;
  /** Rounds that they were planned for, ascending: the newest that must be seen by now, and all since. */
  roundsMs: readonly number[];
  batches: readonly DueBatch[];
}

/** What was planned lately, by bastion. */
export interface Due {
  /** The first round of all. */
  firstMs: number;
  /** The newest round. */
  roundMs: number;
  tickMs: number;
  bastions: Readonly<Record<string, readonly DueBatches[]>>;
}

/** Ticks that a batch may take beyond its own interval until it is stored. */
const LATE_TICKS = 2;

/** Rounds that one which comes late may be behind; a record that is further ahead was made by another clock. */
const MOST_LATE_ROUNDS = 60;

type Entry = DueBatch & Omit<DueBatches, 'batches'> & { bastion: string };

/**
 * The same with another round, and without what is no longer asked for: a batch that has ended is asked for until those
 * that have its nodes now are. Safe to repeat; a late round changes nothing.
 */
export function addRound(
  before: Due | undefined,
  round: { roundMs: number; tickMs: number; batches: readonly Batch[]; checks: readonly Check[] },
): Due {
  const { roundMs, tickMs, batches, checks } = round;
  const aheadMs = (before?.roundMs ?? roundMs) - roundMs;
  if (before && aheadMs > MOST_LATE_ROUNDS * tickMs) return addRound(undefined, round);
  if (before && aheadMs > 0) return before;
  const everyMs = ({ checks: names }: Batch) =>
    leastOf(checks.filter(({ name }) => names.includes(name)).map((check) => check.everyMs));
  const planned = new Map(
    batches.map((batch): [string, Entry] => {
      const { bastion, index, targets } = batch;
      const of = { bastion, index, nodes: targets.length, members: membersOf(targets) };
      return [nameOf(of), { ...of, everyMs: everyMs(batch), firstMs: roundMs, roundsMs: [roundMs] }];
    }),
  );
  const kept: Entry[] = [];
  for (const known of entriesOf(before)) {
    const limit = roundMs - graceMs(known.everyMs, tickMs);
    const lastMs = greatestOf(known.roundsMs);
    const requiredMs = greatestOf([0, ...known.roundsMs.filter((ms) => ms <= limit)]);
    const roundsMs = known.roundsMs.filter((ms) => ms >= requiredMs && ms < roundMs);
    const same = planned.get(nameOf(known));
    // Where a round of it went without, its nodes may have been in another batch meanwhile.
    const hasPaused = (before?.roundMs ?? lastMs) - lastMs >= known.everyMs;
    if (same && !hasPaused) {
      const { firstMs } = known;
      // Rounds of a check that was slower are waited for as long as that took.
      const slowerMs = Math.min(known.everyMs, longestPauseMs(roundsMs));
      const everyMs = Math.max(same.everyMs, slowerMs);
      planned.set(nameOf(known), { ...same, everyMs, firstMs, roundsMs: [...roundsMs, roundMs] });
    } else if (roundsMs.length > 0 && lastMs > limit - known.everyMs) kept.push({ ...known, roundsMs });
  }
  const bastions = Object.groupBy([...kept, ...planned.values()], ({ bastion }) => bastion);
  return {
    firstMs: before?.firstMs ?? roundMs,
    roundMs,
    tickMs,
    bastions: Object.fromEntries(
      Object.entries(bastions).map(([bastion, entries = []]) => [bastion, together(entries)]),
    ),
  };
}

/** Each batch with its rounds. */
export function entriesOf(due: Due | undefined): Entry[] {
  return Object.entries(due?.bastions ?? {}).flatMap(([bastion, groups]) =>
    groups.flatMap(({ batches, ...rounds }) => batches.map((batch) => ({ bastion, ...rounds, ...batch }))),
  );
}

/** Its newest round that must be seen by now. */
export function requiredOf(
  { everyMs, roundsMs }: Pick<DueBatches, 'everyMs' | 'roundsMs'>,
  { roundMs, tickMs }: Pick<Due, 'roundMs' | 'tickMs'>,
): number | undefined {
  return roundsMs.findLast((ms) => ms <= roundMs - graceMs(everyMs, tickMs));
}

function together(entries: readonly Entry[]): DueBatches[] {
  const groups = Map.groupBy(entries, ({ everyMs, firstMs, roundsMs }) =>
    JSON.stringify([everyMs, firstMs, roundsMs]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { everyMs, firstMs, roundsMs } = first;
    const batches = group.map(({ index, nodes, members }) => ({ index, nodes, members }));
    return [{ everyMs, firstMs, roundsMs, batches }];
  });
}

/** It may start as late as its next round does, and then takes a while. */
function graceMs(everyMs: number, tickMs: number): number {
  return everyMs + LATE_TICKS * tickMs;
}

function longestPauseMs(roundsMs: readonly number[]): number {
  return greatestOf([0, ...roundsMs.slice(1).map((ms, i) => ms - (roundsMs[i] ?? ms))]);
}

function nameOf({ bastion, index, nodes, members }: DueBatch & { bastion: string }): string {
  return `${index} ${nodes} ${members} ${bastion}`;
}

/** The same in any order. */
function membersOf(targets: readonly Target[]): number {
  return targets.reduce((sum, { cluster, node }) => (sum + hashNumber(`${cluster}/${node}`)) % 2 ** 32, 0);
}
