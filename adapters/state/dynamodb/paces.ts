import { retryConflicts } from '../../../core/conflicts.ts';
import { ConflictError, RetryableError } from '../../../core/errors.ts';
import type { Pace } from '../../../core/model/pace.ts';
import type { StateStore } from '../../../core/ports.ts';
import type { StateContext } from './context.ts';
import { keys, TTL_ATTRIBUTE } from './layout.ts';
import { loadRecord, recordWrites } from './record.ts';
import { atVersion } from './table.ts';

const PAUSE_MS = 10;
/** A destination without messages for this long starts anew. */
const KEPT_MS = 24 * 3_600_000;

/**
 * When messages may go to a destination: one item each, read and written on condition. A slot costs a strongly consistent
 * read and one write unit, docs/scale-and-cost.md.
 */
export function createPaces({ table, clock, sleep, random }: StateContext): Pick<StateStore, 'changePace'> {
  return {
    async changePace(destination, change) {
      const key = keys.pace(destination);
      const take = async () => {
        const stored = await loadRecord<Pace>(table, key);
        const { pace, result } = change(stored?.value);
        if (!pace) return result;
        const version = Number(stored?.head.version ?? 0);
        const expiresAt = Math.ceil((clock.nowMs() + KEPT_MS) / 1000);
        const writes = await recordWrites({
          key,
          kind: 'pace',
          value: pace,
          attributes: { version: version + 1, [TTL_ATTRIBUTE]: expiresAt },
          if: atVersion(version),
        });
        if ((await table.write(writes)).length > 0)
          throw new ConflictError('the pace was changed by another');
        return result;
      };
      return await retryConflicts(take, {
        pause: () => sleep(PAUSE_MS * (0.5 + random())),
        gaveUp: (cause) =>
          new RetryableError('the pace of a destination was changed by others all the time', { cause }),
      });
    },
  };
}
