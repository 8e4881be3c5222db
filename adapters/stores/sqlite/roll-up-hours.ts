import { HOUR_MS, type HourPart, mergeRollUps, PERIOD_MS } from '../../../core/numbers/roll-up.ts';
import type { Database, Row } from '../../sqlite/database.ts';
import { parseStored } from '../../sqlite/errors.ts';
import {
  type Group,
  hourColumnsOf,
  hourTableOf,
  metricsOf,
  rollUpTableOf,
  SAMPLES_COLUMN,
} from './schema.ts';

/** Label sets whose hour is rolled up in one transaction: twelve rows of each are read. */
const CHUNK_SETS = 500;

/** Belongs into the transaction that found no period pending. Rows written; undefined when no whole hour is pending. */
export function rollUpNextHour(database: Database): number | undefined {
  const pending = database
    .prepare(
      `SELECT metric_group, time_ms, next_label_set FROM hour_pending
       WHERE time_ms + ${HOUR_MS} <= (SELECT rolled_to_ms FROM roll_up_state) ORDER BY time_ms LIMIT 1`,
    )
    .get() as unknown as [Group, number, number] | undefined;
  if (!pending) return undefined;
  const [group, hourMs, firstSet] = pending;
  const [endSet] = (database
    .prepare('SELECT id FROM label_set WHERE metric_group = ? AND id >= ? ORDER BY id LIMIT 1 OFFSET ?')
    .get(group, firstSet, CHUNK_SETS) ?? [null]) as unknown as [number | null];
  const metrics = metricsOf(group);
  const columns = metrics.flatMap(hourColumnsOf).map((name) => `"${name}"`);
  const rows = database
    .prepare(
      `SELECT label_set, ${SAMPLES_COLUMN}, ${columns} FROM ${rollUpTableOf(group)}
       WHERE time_ms IN (SELECT value FROM json_each(?1)) AND label_set >= ?2 AND label_set < ?3`,
    )
    .all(periodsOf(hourMs), firstSet, endSet ?? Number.MAX_SAFE_INTEGER) as unknown as Row[];
  const insert = database.prepare(
    `INSERT OR REPLACE INTO ${hourTableOf(group)} (time_ms, label_set, ${columns})
     VALUES (?, ?, ${columns.map(() => '?')})`,
  );
  const bySet = Map.groupBy(rows, ([labelSet]) => Number(labelSet));
  for (const [labelSet, own] of bySet) {
    const counts = own.map((row) => parseSamples(row[1] as string | null));
    const cells = metrics.flatMap((metric, i) => {
      const parts: HourPart[] = [];
      for (const [n, row] of own.entries()) {
        const [avg, max] = [row[2 + 2 * i], row[3 + 2 * i]] as [number | null, number | null];
        if (avg !== null) parts.push({ timeMs: hourMs, avg, max: max ?? avg, samples: counts[n]?.(metric) });
      }
      return cellsOf(hourMs, parts);
    });
    insert.run(hourMs, labelSet, ...cells);
  }
  const key = [hourMs, group] as const;
  if (endSet === null)
    database.prepare('DELETE FROM hour_pending WHERE time_ms = ? AND metric_group = ?').run(...key);
  else
    database
      .prepare('UPDATE hour_pending SET next_label_set = ? WHERE time_ms = ? AND metric_group = ?')
      .run(endSet, ...key);
  return bySet.size;
}

function periodsOf(hourMs: number): string {
  return JSON.stringify(Array.from({ length: HOUR_MS / PERIOD_MS }, (_, i) => hourMs + i * PERIOD_MS));
}

/** How many samples of a metric a stored roll-up is of; undefined where an earlier version made it. */
export function parseSamples(stored: string | null): (metric: string) => number | undefined {
  if (stored === null) return () => undefined;
  const counts = parseStored<number | Record<string, number>>(stored);
  return typeof counts === 'number' ? () => counts : (metric) => counts[metric];
}

function cellsOf(hourMs: number, parts: readonly HourPart[]): (number | null)[] {
  if (parts.length === 0) return [null, null];
  const { avg, max } = mergeRollUps(hourMs, parts);
  return [avg, max === avg ? null : max];
}
