import { retryConflicts } from '../../../core/conflicts.ts';
import { ConflictError, RetryableError } from '../../../core/errors.ts';
import type { StoredSilence } from '../../../core/model/silence.ts';
import { endedAt } from '../../../core/notify/silences.ts';
import type { StateStore } from '../../../core/ports.ts';
import type { StateContext } from './context.ts';
import { keys, sortable, timeOf, upTo } from './layout.ts';
import { openRecords, recordRemoval, recordWrites, type Stored } from './record.ts';
import type { Condition, Write } from './table.ts';

type Silences = Pick<StateStore, 'putSilence' | 'listSilences' | 'expireSilence'>;

const PAUSE_MS = 20;
const PRESENT: Condition = { is: 'equal', attribute: 'kind', to: ['silence'] };

/** Silences added at run time, by their end: what ended costs the notifier no reads until DynamoDB removes it. */
export function createSilences(context: StateContext): Silences {
  const { table } = context;

  /** Writes the silence in place of the one that was read. @throws ConflictError when that one has changed since */
  async function replace(silence: StoredSilence, before: Stored<StoredSilence> | undefined): Promise<void> {
    const key = keys.silence(silence);
    const moved = before !== undefined && before.head.sk !== key.sk;
    const puts = await recordWrites({
      key,
      kind: 'silence',
      value: silence,
      attributes: { expiresAt: context.expiresAt(silence.untilMs) },
      ...(before && !moved && { if: PRESENT, before: before.head }),
    });
    const writes: Write[] = moved ? [...recordRemoval(before.head, PRESENT), ...puts] : puts;
    if ((await table.write(writes)).length > 0) throw new ConflictError(`${key.sk} was changed by another`);
  }

  async function find(id: string, endedAfterMs: number): Promise<Stored<StoredSilence> | undefined> {
    const heads = await table.query({ pk: keys.silences, from: firstAfter(endedAfterMs) });
    const mine = heads.filter((head) => head.sk === keys.silence({ id, untilMs: timeOf(head) }).sk);
    return (await openRecords<StoredSilence>(table, mine))[0];
  }

  const attempt = <T>(id: string, once: () => Promise<T>): Promise<T> =>
    retryConflicts(once, {
      pause: () => context.sleep(PAUSE_MS),
      gaveUp: (cause) => new RetryableError(`silence ${id} was always written by others first`, { cause }),
    });

  return {
    putSilence: (silence) => attempt(silence.id, async () => replace(silence, await find(silence.id, 0))),
    async listSilences({ endedAfterMs }) {
      const heads = await table.query({ pk: keys.silences, from: firstAfter(endedAfterMs) });
      return (await openRecords<StoredSilence>(table, heads)).map(({ value }) => value);
    },
    expireSilence: (id, atMs) =>
      attempt(id, async () => {
        const stored = await find(id, atMs);
        if (!stored) return false;
        await replace(endedAt(stored.value, atMs), stored);
        return true;
      }),
  };
}

/** Removes silences that ended before, as `StateStore.prune` says; returns how many. */
export async function pruneSilences({ table }: StateContext, olderThanMs: number): Promise<number> {
  const heads = await table.query({ pk: keys.silences, to: upTo(olderThanMs - 1) });
  for (const head of heads) await table.write(recordRemoval(head));
  return heads.length;
}

/** Before every key of a silence that ends later than that. */
function firstAfter(ms: number): string {
  return sortable(ms + 1);
}
