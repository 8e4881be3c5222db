import { setImmediate as nextTurn } from 'node:timers/promises';
import { PERIOD_MS, periodOf, rollUp } from '../../../core/numbers/roll-up.ts';
import type { Database, Row } from '../../sqlite/database.ts';
import { rollUpNextHour } from './roll-up-hours.ts';
import { markHour, progressOf } from './roll-up-progress.ts';
import {
  GROUPS,
  type Group,
  metricsOf,
  rollUpColumnsOf,
  rollUpTableOf,
  SAMPLES_COLUMN,
  tableOf,
} from './schema.ts';

/**
 * Rolls up all periods that end before `untilMs` and are not yet, oldest first, a group of a period at a time, then whole
 * hours; writes and queries go on between. Ends early when the database is closed meanwhile. Returns rows written.
 */
export async function rollUpSamples(database: Database, untilMs: number): Promise<number> {
  database.write(() => admitPeriods(database, periodOf(untilMs)));
  let written = 0;
  while (database.isOpen()) {
    const rows = database.write(() => rollUpNext(database) ?? rollUpNextHour(database));
    if (rows === undefined) break;
    written += rows;
    await nextTurn();
  }
  return written;
}

/** Makes periods pending that have samples and end before `endMs`, the multiple of a period. */
function admitPeriods(database: Database, endMs: number): void {
  const startMs = progressOf(database)?.rolledToMs ?? 0;
  if (startMs >= endMs) return;
  for (const group of GROUPS) {
    const next = (from: string) =>
      `(SELECT min(time_ms) FROM ${tableOf(group)} WHERE time_ms >= ${from}) / ${PERIOD_MS} * ${PERIOD_MS}`;
    database
      .prepare(
        `INSERT OR IGNORE INTO roll_up_pending (metric_group, time_ms)
         WITH RECURSIVE period(start) AS (
           SELECT ${next('?2')}
           UNION ALL
           SELECT ${next(`start + ${PERIOD_MS}`)} FROM period WHERE start < ?3
         )
         SELECT ?1, start FROM period WHERE start < ?3`,
      )
      .run(group, startMs, endMs);
  }
  database
    .prepare(
      `INSERT INTO roll_up_state (id, rolled_to_ms, pruned_to_ms) VALUES (1, ?, 0)
       ON CONFLICT DO UPDATE SET rolled_to_ms = excluded.rolled_to_ms`,
    )
    .run(endMs);
}

/** Rows written; undefined when nothing is pending. */
function rollUpNext(database: Database): number | undefined {
  const pending = database
    .prepare('SELECT metric_group, time_ms FROM roll_up_pending ORDER BY time_ms LIMIT 1')
    .get() as unknown as [Group, number] | undefined;
  if (!pending) return undefined;
  const [group, periodMs] = pending;
  database.prepare('DELETE FROM roll_up_pending WHERE metric_group = ? AND time_ms = ?').run(...pending);
  const metrics = metricsOf(group);
  const columns = metrics.map((metric) => `"${metric}"`);
  const rows = database
    .prepare(
      `SELECT label_set, ${columns} FROM ${tableOf(group)} WHERE time_ms >= ? AND time_ms < ? ORDER BY time_ms`,
    )
    .all(periodMs, periodMs + PERIOD_MS) as unknown as Row[];
  const values = new Map<number, number[][]>();
  for (const [labelSet, ...cells] of rows) {
    const lists = values.get(Number(labelSet)) ?? metrics.map(() => []);
    values.set(Number(labelSet), lists);
    for (const [i, cell] of cells.entries()) if (cell !== null) lists[i]?.push(Number(cell));
  }
  const all = [
    'time_ms',
    'label_set',
    SAMPLES_COLUMN,
    ...metrics.flatMap(rollUpColumnsOf).map((name) => `"${name}"`),
  ];
  const insert = database.prepare(
    `INSERT OR REPLACE INTO ${rollUpTableOf(group)} (${all}) VALUES (${all.map(() => '?')})`,
  );
  for (const [labelSet, lists] of [...values].sort(([a], [b]) => a - b)) {
    insert.run(periodMs, labelSet, samplesOf(metrics, lists), ...lists.flatMap(cellsOf));
  }
  markHour(database, group, periodMs);
  return values.size;
}

function samplesOf(metrics: readonly string[], lists: readonly number[][]): string {
  const counts = metrics
    .map((metric, i) => [metric, lists[i]?.length ?? 0] as const)
    .filter(([, n]) => n > 0);
  const first = counts[0]?.[1] ?? 0;
  return JSON.stringify(counts.every(([, n]) => n === first) ? first : Object.fromEntries(counts));
}

function cellsOf(values: readonly number[]): (number | null)[] {
  if (values.length === 0) return [null, null, null];
  const { avg, max, p95 } = rollUp(0, values);
  return [avg, max === avg ? null : max, p95 === max ? null : p95];
}
