import type { TargetStatus } from '../../../core/ports.ts';
import { forEachAtOnce } from '../../ssh/at-once.ts';
import { historyKeys } from './history.ts';
import { buckets } from './layout.ts';
import { openRecords, recordRemoval, recordWrites } from './record.ts';
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

  const heads = await Promise.all(buckets('status').map((pk) => table.query({ pk })));
  for (const { head, value } of await openRecords<TargetStatus[]>(table, heads.flat())) {
    const kept = value.filter((status) => status.roundMs >= olderThanMs);
    if (kept.length === value.length) continue;
    const version = Number(head.version);
    const writes =
      kept.length === 0
        ? recordRemoval(head, atVersion(version))
        : await recordWrites({
            key: keyOf(head),
            kind: 'status',
            value: kept,
            attributes: { version: version + 1, expiresAt: statusExpiry(world, kept) },
            if: atVersion(version),
            before: head,
          });
    if ((await table.write(writes)).length === 0) removed += value.length - kept.length;
  }
  return removed;
}

/** Of an item with these statuses: that of the newest. */
export function statusExpiry(world: World, statuses: readonly TargetStatus[]): number {
  return world.expiresAt(Math.max(0, ...statuses.map(({ roundMs }) => roundMs)));
}

function keyOf({ pk, sk }: Key): Key {
  return { pk, sk };
}
