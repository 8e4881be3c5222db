import { forEachAtOnce } from '../../ssh/at-once.ts';
import { historyKeys } from './history.ts';
import { recordRemoval } from './record.ts';
import { pruneSilences } from './silences.ts';
import { pruneStatuses } from './statuses.ts';
import { atVersion, type Key, type Write } from './table.ts';
import type { World } from './world.ts';

const AT_ONCE = 16;

/**
 * Removes history that is older, as `StateStore.prune` says. DynamoDB removes the same by itself, within days of
 * `expiresAt`; what is not told yet has none.
 */
export async function prune(world: World, olderThanMs: number): Promise<number> {
  const { table } = world;
  let removed = 0;
  const older = { toMs: olderThanMs - 1, limit: Infinity };
  const remove = async (writes: readonly Write[]) => {
    if ((await table.write(writes)).length === 0) removed++;
  };

  const transitions = await historyKeys(table, { kind: 'transition', ...older });
  await forEachAtOnce(transitions, AT_ONCE, (key) =>
    remove([{ remove: keyOf(key), if: { is: 'without', attribute: 'owed' } }]),
  );
  const deliveries = await historyKeys(table, { kind: 'delivery', ...older });
  await forEachAtOnce(deliveries, AT_ONCE, (key) => remove([{ remove: keyOf(key) }]));
  const closed = await table.get(await historyKeys(table, { kind: 'incident-closed', ...older }));
  const over = closed.filter((head) => Number(head.closedAtMs ?? Infinity) < olderThanMs);
  await forEachAtOnce(over, AT_ONCE, (head) => remove(recordRemoval(head, atVersion(Number(head.version)))));

  return removed + (await pruneStatuses(world, olderThanMs)) + (await pruneSilences(world, olderThanMs));
}

function keyOf({ pk, sk }: Key): Key {
  return { pk, sk };
}
