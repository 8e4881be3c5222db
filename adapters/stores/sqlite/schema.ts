import { findMetric, METRICS, type Metric } from '../../../core/catalogue.ts';
import type { Database, Row } from '../../sqlite/database.ts';

/*
 * One row holds the metrics of a catalogue group that share a label set and a time: a round of a node is nine rows,
 * not forty. Label sets are numbers from a dictionary, never used twice (AUTOINCREMENT): a connection that still
 * remembers a removed one finds no rows, not another's.
 *
 * Rows are ordered by time first, so that a round is appended at the end and retention cuts off the beginning.
 * Ordered by label set first each row of a round lands in another page. Measured with 1,000 nodes, 9,000 rows a
 * round, one day, on the development machine (test/bench/store.ts measures what was chosen):
 *
 *                                     (time, label set)   (label set, time)
 *   append of a round, durable        7 ms                118–158 ms
 *   written to disk                   1.6 GB a day        100–140 GB a day
 *   30 min of one metric, all nodes   11 ms               12 ms
 *   3 nodes, 24 h                     9 ms                1 ms
 *   newest of all nodes               1 ms                1 ms
 *
 * A single 63-bit key of both would save 11 % of the disk and limit how many label sets there can ever be.
 */

export type Group = Metric['group'];

/** The `n`-th leads from version n−1 to n. Tables of metrics are not here: they follow the catalogue. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE label_set (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     metric_group TEXT NOT NULL,
     labels TEXT NOT NULL,    -- labelKey() of core/labels.ts
     bound_ms INTEGER NOT NULL, -- all its samples are older than this
     UNIQUE (metric_group, labels)
   ) STRICT`,
  `CREATE TABLE roll_up_state (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     rolled_to_ms INTEGER NOT NULL,
     pruned_to_ms INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE roll_up_pending (
     time_ms INTEGER NOT NULL, -- start of the period
     metric_group TEXT NOT NULL,
     PRIMARY KEY (time_ms, metric_group)
   ) WITHOUT ROWID, STRICT`,
  // Roll-ups of earlier versions do not know of how many samples they are: no hours are made of them.
  `ALTER TABLE roll_up_state ADD COLUMN hours_from_ms INTEGER NOT NULL DEFAULT 0;
   UPDATE roll_up_state SET hours_from_ms = (rolled_to_ms + 3599999) / 3600000 * 3600000;
   CREATE TABLE hour_pending (
     time_ms INTEGER NOT NULL, -- start of the hour
     metric_group TEXT NOT NULL,
     next_label_set INTEGER NOT NULL, -- those before are done
     PRIMARY KEY (time_ms, metric_group)
   ) WITHOUT ROWID, STRICT`,
];

export const GROUPS: readonly Group[] = [...new Set(METRICS.map((metric) => metric.group))];

/** The group whose table has the metric; undefined for a metric that the catalogue lacks. */
export function groupOf(metric: string): Group | undefined {
  return findMetric(metric)?.group;
}

export function tableOf(group: Group): string {
  return `samples_${group}`;
}

export function rollUpTableOf(group: Group): string {
  return `roll_ups_${group}`;
}

/** Average first: it is there whenever the period has samples of the metric. */
export function rollUpColumnsOf(metric: string): string[] {
  return [`${metric}_avg`, `${metric}_max`, `${metric}_p95`];
}

/** JSON of how many samples a roll-up is of: a number, or where metrics differ, an object with that of each. */
export const SAMPLES_COLUMN = 'samples';

export function hourTableOf(group: Group): string {
  return `hours_${group}`;
}

/** As those of roll-ups; p95 of an hour does not follow from those of its periods. */
export function hourColumnsOf(metric: string): string[] {
  return [`${metric}_avg`, `${metric}_max`];
}

/** Metrics of a group in the order of the catalogue: the order of values in a row as written. */
export function metricsOf(group: Group): readonly string[] {
  return METRICS.filter((metric) => metric.group === group).map((metric) => metric.name);
}

/** Adds tables for each group and columns for each metric that the catalogue has and the database has not. */
export function followCatalogue(database: Database): void {
  database.write(() => {
    for (const group of GROUPS) {
      const metrics = metricsOf(group);
      followColumns(database, tableOf(group), metrics.map(real));
      followColumns(database, rollUpTableOf(group), [
        { name: SAMPLES_COLUMN, type: 'TEXT' },
        ...metrics.flatMap(rollUpColumnsOf).map(real),
      ]);
      followColumns(database, hourTableOf(group), metrics.flatMap(hourColumnsOf).map(real));
    }
  });
}

interface Column {
  name: string;
  type: 'REAL' | 'TEXT';
}

const real = (name: string): Column => ({ name, type: 'REAL' });

function followColumns(database: Database, table: string, columns: readonly Column[]): void {
  const declared = columns.map(({ name, type }) => `"${name}" ${type}`);
  database
    .prepare(
      `CREATE TABLE IF NOT EXISTS ${table} (
         time_ms INTEGER NOT NULL, label_set INTEGER NOT NULL, ${declared}, PRIMARY KEY (time_ms, label_set)
       ) WITHOUT ROWID, STRICT`,
    )
    .run();
  const present = columnsOf(database, table);
  for (const [i, { name }] of columns.entries())
    if (!present.has(name)) database.prepare(`ALTER TABLE ${table} ADD COLUMN ${declared[i]}`).run();
}

/** Columns a table has; none while a program that knows it has not run. */
export function columnsOf(database: Database, table: string): ReadonlySet<string> {
  const rows = database.prepare('SELECT name FROM pragma_table_info(?)').all(table) as unknown as Row[];
  return new Set(rows.map((row) => String(row[0])));
}
