import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RollUp, RollUpSeries } from '../../../core/model/sample.ts';
import { PERIOD_MS, periodOf, rollUp } from '../../../core/numbers/roll-up.ts';
import type { SeriesQuery } from '../../../core/ports.ts';
import { TooManySamplesError } from '../../../core/sample-store.ts';
import type { Database, Row } from '../../sqlite/database.ts';
import type { LabelSets } from './label-sets.ts';
import { idsOf, SEEK_SHARE } from './queries.ts';
import {
  columnsOf,
  GROUPS,
  type Group,
  groupOf,
  metricsOf,
  rollUpColumnsOf,
  rollUpTableOf,
  tableOf,
} from './schema.ts';

/*
 * A period is rolled up once it is over for good; `rolled_to_ms` is where that ends. Samples that come for an older
 * period later than that put it among the pending ones again, unless others of it are already pruned: what is left
 * would not tell of it. A period of a group is rolled up in one transaction with its leaving the pending ones, so that
 * neither a crash nor a late sample between can make it wrong.
 *
 * A row holds three columns a metric. Where max is avg, and p95 is max, NULL stands for it: of a constant one number is
 * kept, and of fewer than twenty samples p95 is always max.
 */

interface Progress {
  /** Periods that begin before are rolled up or pending. */
  rolledToMs: number;
  /** Samples before are pruned. */
  prunedToMs: number;
}

/** Undefined before the first roll-up. Belongs inside a transaction. */
function progressOf(database: Database): Progress | undefined {
  const row = database.prepare('SELECT rolled_to_ms, pruned_to_ms FROM roll_up_state').get();
  if (row === undefined) return undefined;
  const [rolledToMs, prunedToMs] = row as unknown as [number, number];
  return { rolledToMs, prunedToMs };
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

/**
 * Rolls up all periods that end before `untilMs` and are not yet, oldest first, a group of a period at a time; writes
 * and queries go on between. Ends early when the database is closed meanwhile. Returns rows written.
 */
export async function rollUpSamples(database: Database, untilMs: number): Promise<number> {
  database.write(() => admitPeriods(database, periodOf(untilMs)));
  let written = 0;
  while (database.isOpen()) {
    const rows = database.write(() => rollUpNext(database));
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
  const all = ['time_ms', 'label_set', ...metrics.flatMap(rollUpColumnsOf).map((name) => `"${name}"`)];
  const insert = database.prepare(
    `INSERT OR REPLACE INTO ${rollUpTableOf(group)} (${all}) VALUES (${all.map(() => '?')})`,
  );
  for (const [labelSet, lists] of [...values].sort(([a], [b]) => a - b)) {
    insert.run(periodMs, labelSet, ...lists.flatMap(cellsOf));
  }
  return values.size;
}

function cellsOf(values: readonly number[]): (number | null)[] {
  if (values.length === 0) return [null, null, null];
  const { avg, max, p95 } = rollUp(0, values);
  return [avg, max === avg ? null : max, p95 === max ? null : p95];
}

type RollUpRow = readonly [
  labelSet: number,
  timeMs: number,
  avg: number,
  max: number | null,
  p95: number | null,
];
type SampleRow = readonly [labelSet: number, timeMs: number, value: number];

/** Stored roll-ups, and newer periods rolled up for this query. See `SampleStore`. */
export function queryRollUps(database: Database, labelSets: LabelSets, query: SeriesQuery): RollUpSeries[] {
  const { metric, fromMs, mostSamples } = query;
  const group = groupOf(metric);
  if (group === undefined) return [];
  const [startMs, endMs] = [periodOf(fromMs + PERIOD_MS - 1), periodOf(query.toMs) + PERIOD_MS];
  return database.read(() => {
    labelSets.refresh();
    const selected = labelSets.select(group, query);
    const ids = selected === undefined ? [] : [idsOf(selected)];
    const isFew = selected !== undefined && selected.length <= SEEK_SHARE * labelSets.size(group);
    const rowsOf = <T>(table: string, columns: readonly string[], from: number, to: number): T[] => {
      if (from >= to || !columnsOf(database, table).has(columns[0] as string)) return [];
      const seeks = isFew && table === rollUpTableOf(group);
      const sql = seeks ? seekSql(table, columns) : scanSql(table, columns, selected !== undefined);
      if (mostSamples === undefined) return database.prepare(sql).all(from, to, ...ids) as unknown as T[];
      const rows = database.prepare(`${sql} LIMIT ${mostSamples + 1}`).all(from, to, ...ids);
      if (rows.length > mostSamples) throw new TooManySamplesError(mostSamples);
      return rows as unknown as T[];
    };
    const rawFromMs = Math.min(endMs, Math.max(startMs, rawStart(database, group, startMs)));
    const points = new Map<number, RollUp[]>();
    const add = (labelSet: number, point: RollUp) => {
      const list = points.get(labelSet);
      if (list) list.push(point);
      else points.set(labelSet, [point]);
    };
    const rolled = rowsOf<RollUpRow>(rollUpTableOf(group), rollUpColumnsOf(metric), startMs, rawFromMs);
    for (const [labelSet, timeMs, avg, max, p95] of rolled) {
      add(labelSet, { timeMs, avg, max: max ?? avg, p95: p95 ?? max ?? avg });
    }
    for (const [labelSet, periodMs, values] of inPeriods(
      rowsOf<SampleRow>(tableOf(group), [metric], rawFromMs, endMs),
    )) {
      add(labelSet, rollUp(periodMs, values));
    }
    return [...points].flatMap(([id, list]) => {
      const set = labelSets.get(group, id);
      return set ? [{ metric, labels: set.labels, points: list }] : [];
    });
  });
}

/** Rows from ?1 until ?2, whole times. */
function scanSql(table: string, columns: readonly string[], some: boolean): string {
  return `SELECT label_set, time_ms, ${columns} FROM ${table}
    WHERE time_ms >= ?1 AND time_ms < ?2 AND ${columns[0]} IS NOT NULL
      ${some ? 'AND label_set IN (SELECT value FROM json_each(?3))' : ''}
    ORDER BY time_ms`;
}

/** The label sets ?3 in each period from ?1 until ?2: of a large fleet, a month of a cluster is a small share of the rows. */
function seekSql(table: string, columns: readonly string[]): string {
  return `WITH RECURSIVE period(time_ms) AS (
      SELECT min(time_ms) FROM ${table} WHERE time_ms >= ?1
      UNION ALL
      SELECT time_ms + ${PERIOD_MS} FROM period
      WHERE time_ms + ${PERIOD_MS} < ?2 AND time_ms < (SELECT max(time_ms) FROM ${table})
    )
    SELECT r.label_set, r.time_ms, ${columns.map((column) => `r."${column}"`)}
    FROM period CROSS JOIN ${table} AS r
      ON r.time_ms = period.time_ms AND r.label_set IN (SELECT value FROM json_each(?3))
    WHERE r.time_ms < ?2 AND r."${columns[0]}" IS NOT NULL
    ORDER BY r.time_ms`;
}

/** From here on periods are not all rolled up, but their samples are all there. */
function rawStart(database: Database, group: Group, startMs: number): number {
  const progress = progressOf(database);
  if (!progress) return startMs;
  const [pendingMs] = database
    .prepare('SELECT min(time_ms) FROM roll_up_pending WHERE metric_group = ? AND time_ms >= ?')
    .get(group, startMs) as unknown as [number | null];
  return Math.min(progress.rolledToMs, pendingMs ?? Number.POSITIVE_INFINITY);
}

/** Values of each label set by period. Rows come in order of time. */
function inPeriods(rows: readonly SampleRow[]): [labelSet: number, periodMs: number, values: number[]][] {
  const found = new Map<string, [number, number, number[]]>();
  for (const [labelSet, timeMs, value] of rows) {
    const periodMs = periodOf(timeMs);
    const key = `${labelSet} ${periodMs}`;
    const known = found.get(key);
    if (known) known[2].push(value);
    else found.set(key, [labelSet, periodMs, [value]]);
  }
  return [...found.values()];
}
