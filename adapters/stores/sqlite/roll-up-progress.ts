import { hourOf, periodOf } from '../../../core/numbers/roll-up.ts';
import type { Database } from '../../sqlite/database.ts';
import type { Group } from './schema.ts';

/*
 * A period is rolled up once it is over for good; `rolled_to_ms` is where that ends. Samples that come for an older
 * period later than that put it among the pending ones again, unless others of it are already pruned: what is left
 * would not tell of it. A period of a group is rolled up in one transaction with its leaving the pending ones, so that
 * neither a crash nor a late sample between can make it wrong.
 *
 * An hour is rolled up from its periods, when the last of them is over and none is pending: each one that is rolled up
 * again makes it pending again.
 *
 * A row holds three columns a metric, that of an hour two. Where max is avg, and p95 is max, NULL stands for it: of a
 * constant one number is kept, and of fewer than twenty samples p95 is always max.
 */

interface Progress {
  /** Periods that begin before are rolled up or pending. */
  rolledToMs: number;
  /** Samples before are pruned. */
  prunedToMs: number;
  /** Of hours before no roll-ups are kept: an earlier version made those of their periods. */
  hoursFromMs: number;
}

/** Undefined before the first roll-up. Belongs inside a transaction. */
export function progressOf(database: Database): Progress | undefined {
  const row = database.prepare('SELECT rolled_to_ms, pruned_to_ms, hours_from_ms FROM roll_up_state').get();
  if (row === undefined) return undefined;
  const [rolledToMs, prunedToMs, hoursFromMs] = row as unknown as [number, number, number];
  return { rolledToMs, prunedToMs, hoursFromMs };
}

/** Remembers periods that late samples have changed. Belongs inside the transaction that writes them. */
export function markLate(database: Database, group: Group, times: readonly number[]): void {
  const progress = progressOf(database);
  if (!progress) return;
  const { rolledToMs, prunedToMs } = progress;
  const late = new Set(times.filter((timeMs) => timeMs < rolledToMs).map(periodOf));
  const insert = database.prepare(
    'INSERT OR IGNORE INTO roll_up_pending (metric_group, time_ms) VALUES (?, ?)',
  );
  for (const periodMs of late) if (periodMs >= prunedToMs) insert.run(group, periodMs);
}

/** Remembers how far samples are pruned. Belongs inside the transaction that does so. */
export function markPruned(database: Database, olderThanMs: number): void {
  database.prepare('UPDATE roll_up_state SET pruned_to_ms = max(pruned_to_ms, ?)').run(olderThanMs);
  database.prepare('DELETE FROM roll_up_pending WHERE time_ms < ?').run(olderThanMs);
}

/** From here on periods are not all rolled up, but their samples are all there. */
export function rawStart(database: Database, group: Group, startMs: number): number {
  const progress = progressOf(database);
  if (!progress) return startMs;
  const [pendingMs] = database
    .prepare('SELECT min(time_ms) FROM roll_up_pending WHERE metric_group = ? AND time_ms >= ?')
    .get(group, startMs) as unknown as [number | null];
  return Math.min(progress.rolledToMs, pendingMs ?? Number.POSITIVE_INFINITY);
}

/** Makes the hour of a period pending that is rolled up. Belongs inside that transaction. */
export function markHour(database: Database, group: Group, periodMs: number): void {
  const hourMs = hourOf(periodMs);
  if (hourMs < (progressOf(database)?.hoursFromMs ?? 0)) return;
  database
    .prepare(
      `INSERT INTO hour_pending (time_ms, metric_group, next_label_set) VALUES (?, ?, 0)
       ON CONFLICT DO UPDATE SET next_label_set = 0`,
    )
    .run(hourMs, group);
}

/** The hours from `startMs` on whose roll-ups are kept and right. */
export function keptHours(database: Database, group: Group, startMs: number): [fromMs: number, toMs: number] {
  const progress = progressOf(database);
  if (!progress) return [startMs, startMs];
  const fromMs = Math.max(startMs, progress.hoursFromMs);
  const [pendingMs] = database
    .prepare('SELECT min(time_ms) FROM hour_pending WHERE metric_group = ? AND time_ms >= ?')
    .get(group, fromMs) as unknown as [number | null];
  const toMs = Math.min(hourOf(rawStart(database, group, fromMs)), pendingMs ?? Number.POSITIVE_INFINITY);
  return [fromMs, Math.max(fromMs, toMs)];
}
