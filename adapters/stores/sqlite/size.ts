import { PERIOD_MS } from '../../../core/numbers/roll-up.ts';
import type { SizeLimit, StoreSize } from '../../../core/sample-store.ts';
import type { Database, Row } from '../../sqlite/database.ts';
import type { LabelSets } from './label-sets.ts';
import { pruneSamples } from './retention.ts';
import { GROUPS, rollUpTableOf, tableOf } from './schema.ts';

/** A store over its limit is cut to this share of it, so that it need not be cut again in each round. */
const CUT_TO = 0.97;
/** A store that may not grow keeps this share of its file free, for what comes until the next call. */
const KEEP_FREE = 0.1;
/** Each step removes at most this part of what is too much: data are not spread evenly over time. */
const STEP_SHARE = 0.5;
/** A call that needs more steps goes on with the next call. */
const MOST_STEPS = 100;

export function sizeOf(database: Database): Omit<StoreSize, 'removedRows'> {
  const number = (pragma: string) =>
    Number((database.prepare(`PRAGMA ${pragma}`).get() as unknown as Row)[0]);
  const pageBytes = number('page_size');
  const pages = number('page_count');
  return { fileBytes: pages * pageBytes, usedBytes: (pages - number('freelist_count')) * pageBytes };
}

/**
 * Deletes the oldest samples and roll-ups, whichever are older, until the rest takes less than the limit, but nothing that is
 * newer than `keepFromMs`. SQLite writes new rows into the pages that become free: the file keeps its size.
 */
export async function limitSize(
  database: Database,
  labelSets: LabelSets,
  { maxBytes, mayGrow, keepFromMs, nowMs }: SizeLimit & { maxBytes: number },
  chunkRows?: number,
): Promise<StoreSize> {
  let removedRows = 0;
  const before = sizeOf(database);
  const limitBytes = mayGrow ? maxBytes : Math.min(maxBytes, before.fileBytes * (1 - KEEP_FREE));
  const targetBytes = before.usedBytes > limitBytes ? limitBytes * CUT_TO : limitBytes;
  for (let step = 0; step < MOST_STEPS && database.isOpen(); step++) {
    const { usedBytes } = sizeOf(database);
    const fromMs = oldestMs(database);
    if (usedBytes <= targetBytes || fromMs === undefined || fromMs >= keepFromMs) break;
    const share = ((usedBytes - targetBytes) / usedBytes) * STEP_SHARE;
    const untilMs = Math.min(keepFromMs, fromMs + Math.max(PERIOD_MS, Math.floor((nowMs - fromMs) * share)));
    removedRows += await pruneSamples(
      database,
      labelSets,
      { samplesMs: untilMs, rollUpsMs: untilMs },
      chunkRows,
    );
  }
  return { ...sizeOf(database), removedRows };
}

function oldestMs(database: Database): number | undefined {
  const times = GROUPS.flatMap((group) => [tableOf(group), rollUpTableOf(group)])
    .map((table) => database.prepare(`SELECT min(time_ms) FROM ${table}`).get() as unknown as [number | null])
    .flatMap(([timeMs]) => timeMs ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}
