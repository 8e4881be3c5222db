import { forEachLimit } from '../../ssh/concurrency-limit.ts';
import type { StateContext } from './context.ts';
import { historyKeys } from './history.ts';
import { recordRemoval } from './record.ts';
import { pruneSilences } from './silences.ts';
import { pruneStatuses } from './statuses.ts';
import { atVersion, type Key, type Write } from './table.ts';
import { pruneTokens } from './tokens.ts';

const CONCURRENT_REQUESTS = 16;

/**
 * Removes history that is older, as `StateStore.prune` says. DynamoDB removes the same by itself, within days of
 * `expiresAt`; transitions that are not notified yet have none.
 */
export async function prune(context: StateContext, olderThanMs: number): Promise<number> {
  const { table } = context;
  let removed = 0;
  const older = { toMs: olderThanMs - 1, limit: Infinity };
  const remove = async (writes: readonly Write[]) => {
    if ((await table.write(writes)).length === 0) removed++;
  };

  const transitions = await historyKeys(table, { kind: 'transition', ...older });
  await forEachLimit(transitions, CONCURRENT_REQUESTS, (key) =>
    remove([{ remove: keyOf(key), if: { is: 'without', attribute: 'owed' } }]),
  );
  const deliveries = await historyKeys(table, { kind: 'delivery', ...older });
  await forEachLimit(deliveries, CONCURRENT_REQUESTS, (key) => remove([{ remove: keyOf(key) }]));
  const closed = await table.get(await historyKeys(table, { kind: 'incident-closed', ...older }));
  const over = closed.filter((head) => Number(head.closedAtMs ?? Infinity) < olderThanMs);
  await forEachLimit(over, CONCURRENT_REQUESTS, (head) =>
    remove(recordRemoval(head, atVersion(Number(head.version)))),
  );

  for (const pruneMore of [pruneStatuses, pruneSilences, pruneTokens])
    removed += await pruneMore(context, olderThanMs);
  return removed;
}

function keyOf({ pk, sk }: Key): Key {
  return { pk, sk };
}
