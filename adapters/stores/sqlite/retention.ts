import { setImmediate as nextTurn } from 'node:timers/promises';
import { hourOf } from '../../../core/numbers/roll-up.ts';
import type { Database, Row } from '../../sqlite/database.ts';
import type { LabelSets } from './label-sets.ts';
import { markPruned } from './roll-up-progress.ts';
import { GROUPS, hourTableOf, rollUpTableOf, tableOf } from './schema.ts';

/** Rows removed in one transaction: about 10 ms during which nobody else writes. */
const CHUNK_ROWS = 10_000;

/**
 * Deletes samples and roll-ups older than that, and label sets that have none left, a chunk at a time; writes and
 * queries go on between. Ends early when the database is closed meanwhile. Returns rows, each of them of several
 * metrics.
 */
export async function pruneSamples(
  database: Database,
  labelSets: LabelSets,
  olderThan: { samplesMs: number; rollUpsMs: number },
  chunkRows = CHUNK_ROWS,
): Promise<number> {
  const { samplesMs, rollUpsMs } = olderThan;
  const tables = GROUPS.flatMap((group) => [
    { table: tableOf(group), olderThanMs: samplesMs },
    { table: rollUpTableOf(group), olderThanMs: rollUpsMs },
    // An hour goes with its last period; the bounds of label sets are whole hours as well.
    { table: hourTableOf(group), olderThanMs: hourOf(rollUpsMs) },
  ]);
  database.write(() => markPruned(database, samplesMs));
  let removed = 0;
  for (const { table, olderThanMs } of tables) {
    for (let more = true; more && database.isOpen(); ) {
      const rows = database.write(() => deleteChunk(database, table, olderThanMs, chunkRows));
      removed += rows;
      more = rows === chunkRows;
      await nextTurn();
    }
  }
  if (!database.isOpen()) return removed;
  return database.write(() => {
    // Late samples may have come between the chunks; without them no row refers to a label set removed here.
    for (const { table, olderThanMs } of tables) removed += deleteOlder(database, table, olderThanMs);
    labelSets.prune(Math.min(samplesMs, rollUpsMs));
    return removed;
  });
}

function deleteChunk(database: Database, table: string, olderThanMs: number, chunkRows: number): number {
  const end = database
    .prepare(
      `SELECT time_ms, label_set FROM ${table} WHERE time_ms < ? ORDER BY time_ms, label_set LIMIT 1 OFFSET ?`,
    )
    .get(olderThanMs, chunkRows) as unknown as Row | undefined;
  if (!end) return deleteOlder(database, table, olderThanMs);
  const deletion = database.prepare(`DELETE FROM ${table} WHERE (time_ms, label_set) < (?, ?)`);
  return Number(deletion.run(...end).changes);
}

function deleteOlder(database: Database, table: string, olderThanMs: number): number {
  return Number(database.prepare(`DELETE FROM ${table} WHERE time_ms < ?`).run(olderThanMs).changes);
}
