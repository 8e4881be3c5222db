// State restored from a backup lacks notification numbers that receivers have seen. The keys of a later epoch differ from
// those of earlier ones, whatever their number.
import { hashText } from '../hash.ts';
import type { Clock, StateStore } from '../ports.ts';

type EpochState = Pick<StateStore, 'counters'>;

interface Kept {
  /** The table in which the state began. */
  home?: string;
  epoch?: string;
}

const KEY = 'notify/epoch';
/** A restart takes less. */
const STILL_MS = 3 * 60_000;
const SHOWN = 8;

const known = new WeakMap<EpochState, Promise<string | undefined>>();

/**
 * The epoch of state in a table: none in the table in which it began. DynamoDB restores to a new table
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html), so that its name says
 * which restore it is. Read once a process. @throws RetryableError
 */
export function epochOfTable(table: string, state: EpochState): Promise<string | undefined> {
  const read =
    known.get(state) ??
    readHome(table, state).catch((error: unknown) => {
      known.delete(state);
      throw error;
    });
  known.set(state, read);
  return read;
}

async function readHome(table: string, { counters }: EpochState): Promise<string | undefined> {
  const { home } = ((await counters.load(KEY)) as Kept | undefined) ?? {};
  if (home === undefined) await counters.save(KEY, { home: table } satisfies Kept);
  return home === undefined || home === table ? undefined : shortHash(table);
}

/**
 * The epoch of a process that owns its state and starts: a new one where no round was seen for a while, which is what a
 * restored file or folder looks like. Attempts under way keep their keys. @throws RetryableError
 */
export async function epochOfStart(
  { state, clock }: { state: Pick<StateStore, 'counters' | 'listTargetStatus'>; clock: Clock },
  tickMs: number,
): Promise<string | undefined> {
  const { epoch } = ((await state.counters.load(KEY)) as Kept | undefined) ?? {};
  const rounds = (await state.listTargetStatus()).map(({ roundMs }) => roundMs);
  const nowMs = clock.nowMs();
  const lastMs = rounds.reduce((a, b) => Math.max(a, b), -Infinity);
  if (rounds.length === 0 || nowMs - lastMs <= STILL_MS + tickMs) return epoch;
  return await beginEpoch(state, nowMs);
}

/** Begins a new epoch in state that was just restored, however short ago it was backed up. */
export async function beginEpoch({ counters }: EpochState, nowMs: number): Promise<string> {
  const epoch = shortHash(`start ${nowMs}`);
  await counters.save(KEY, { epoch } satisfies Kept);
  return epoch;
}

function shortHash(text: string): string {
  return hashText(text).slice(0, SHOWN);
}
