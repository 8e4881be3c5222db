import type { Metric } from '../../../core/catalogue.ts';
import type { LabelGlobs } from '../../../core/model/labels.ts';
import { PERIOD_MS, periodOf } from '../../../core/numbers/roll-up.ts';
import { isColumn, SERIES } from './columns.ts';
import type { Draft } from './records.ts';

export interface Table {
  database: string;
  table: string;
}

interface Selection {
  metric: Metric;
  where?: LabelGlobs | undefined;
}

/** Most bytes for the globs of a label in a query. A query has 256 KiB at most, and quotes and escapes double. */
const GLOBS_BYTES = 20_000;
/** Years 1970 to 9999, in milliseconds: what a timestamp of the service can be. */
const LAST_MS = 253_402_300_799_999;

/** Points, one a row: time, series, value. */
export function rawQuery(table: Table, { metric, where, fromMs, toMs }: Selection & Range): string {
  const wanted = [...conditions({ metric, where }), timesBetween(fromMs, toMs)];
  return `SELECT time, ${SERIES}, ${name(metric.name)} AS value FROM ${nameOf(table)} WHERE ${wanted.join(' AND ')}`;
}

/** The newest point of each series: time, series, value. */
export function latestQuery(
  table: Table,
  { metric, where, sinceMs }: Selection & { sinceMs: number },
): string {
  const measure = name(metric.name);
  const wanted = [...conditions({ metric, where }), `time >= ${instant(Math.ceil(sinceMs))}`];
  return (
    `SELECT max(time) AS time, ${SERIES}, max_by(${measure}, time) AS value FROM ${nameOf(table)} ` +
    `WHERE ${wanted.join(' AND ')} GROUP BY ${SERIES}`
  );
}

/**
 * Periods that begin in the range: time, series, avg, min, max, p95. The 95th percentile is the nearest rank, exactly, as
 * in the other stores; `approx_percentile` would be an estimate.
 */
export function rollUpQuery(table: Table, { metric, where, fromMs, toMs }: Selection & Range): string {
  const measure = name(metric.name);
  const period = `bin(time, ${PERIOD_MS / 60_000}m)`;
  const rank = `(count(${measure}) * 95 + 99) / 100`;
  const [first, end] = [periodOf(fromMs + PERIOD_MS - 1), periodOf(toMs) + PERIOD_MS - 1];
  const wanted = [...conditions({ metric, where }), timesBetween(first, end)];
  return (
    `SELECT ${period} AS time, ${SERIES}, avg(${measure}) AS avg, min(${measure}) AS min, ` +
    `max(${measure}) AS max, ` +
    `element_at(array_sort(array_agg(${measure})), ${rank}) AS p95 FROM ${nameOf(table)} ` +
    `WHERE ${wanted.join(' AND ')} GROUP BY ${SERIES}, ${period}`
  );
}

/** All columns of records that are there already. */
export function recordsQuery(table: Table, drafts: readonly Draft[]): string {
  const one = ({ group, series, timeMs }: Draft) =>
    `(measure_name = ${text(group)} AND time = ${instant(timeMs)} AND ${SERIES} = ${text(series)})`;
  return `SELECT * FROM ${nameOf(table)} WHERE ${drafts.map(one).join(' OR ')}`;
}

export function describeQuery(table: Table): string {
  return `DESCRIBE ${nameOf(table)}`;
}

/** Columns that a selection names and a table may lack, having never been sent such a record. */
export function columnsOf({ metric, where = {} }: Selection): string[] {
  return [SERIES, metric.name, ...selectable(where).map(([label]) => label)];
}

interface Range {
  fromMs: number;
  toMs: number;
}

function conditions({ metric, where = {} }: Selection): string[] {
  return [
    `measure_name = ${text(metric.group)}`,
    `${name(metric.name)} IS NOT NULL`,
    ...selectable(where).map(([label, globs]) => matching(label, globs)),
  ];
}

function matching(label: string, globs: readonly string[]): string {
  const column = name(label);
  const exact = globs.filter((glob) => !/[*?]/.test(glob));
  const patterns = globs.filter((glob) => /[*?]/.test(glob));
  const ways = [
    ...(exact.length > 0 ? [`${column} IN (${exact.map(text).join(', ')})`] : []),
    ...(patterns.length > 0 ? [`regexp_like(${column}, ${text(regexOf(patterns))})`] : []),
  ];
  return `(${ways.join(' OR ')})`;
}

/**
 * Labels that are selected by in SQL: those with a column. An empty label has none, so what an empty one matches is
 * not among them; nor is a list too long for a query. What comes back is looked at again.
 */
function selectable(where: LabelGlobs): [string, readonly string[]][] {
  return Object.entries(where).filter(
    ([label, globs]) =>
      isColumn(label) &&
      globs.length > 0 &&
      !globs.some((glob) => /^\**$/.test(glob)) &&
      Buffer.byteLength(globs.join()) <= GLOBS_BYTES,
  );
}

/** A pattern in Java's syntax that matches whole values. `LIKE` would do, but how it escapes is not documented. */
function regexOf(globs: readonly string[]): string {
  const sources = globs.map((glob) =>
    glob
      .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
      .replace(/\*+/g, '.*')
      .replace(/\?/g, '.'),
  );
  return `(?s)\\A(?:${sources.join('|')})\\z`;
}

function timesBetween(fromMs: number, toMs: number): string {
  return `time BETWEEN ${instant(Math.ceil(fromMs))} AND ${instant(Math.floor(toMs))}`;
}

function instant(ms: number): string {
  return `from_milliseconds(${Math.min(Math.max(ms, 0), LAST_MS)})`;
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function name(value: string): string {
  return `"${value.replaceAll('"', '""')}"`;
}

function nameOf({ database, table }: Table): string {
  return `${name(database)}.${name(table)}`;
}
