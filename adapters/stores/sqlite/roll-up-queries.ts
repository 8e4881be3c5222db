import type { HourlyRollUp, HourlySeries, RollUp, RollUpSeries } from '../../../core/model/sample.ts';
import {
  HOUR_MS,
  type HourPart,
  hourOf,
  mergeRollUps,
  PERIOD_MS,
  periodOf,
  rollUp,
} from '../../../core/numbers/roll-up.ts';
import type { SeriesQuery } from '../../../core/ports.ts';
import { TooManySamplesError } from '../../../core/sample-store.ts';
import type { Database } from '../../sqlite/database.ts';
import type { LabelSets } from './label-sets.ts';
import { idsOf, SEEK_SHARE } from './queries.ts';
import { parseSamples } from './roll-up-hours.ts';
import { keptHours, rawStart } from './roll-up-progress.ts';
import {
  columnsOf,
  type Group,
  groupOf,
  hourColumnsOf,
  hourTableOf,
  rollUpColumnsOf,
  rollUpTableOf,
  SAMPLES_COLUMN,
  tableOf,
} from './schema.ts';

type RollUpRow = readonly [
  labelSet: number,
  timeMs: number,
  avg: number,
  max: number | null,
  p95: number | null,
];
type PartRow = readonly [
  labelSet: number,
  timeMs: number,
  avg: number,
  max: number | null,
  samples: string | null,
];
type HourRow = readonly [labelSet: number, timeMs: number, avg: number, max: number | null];
type SampleRow = readonly [labelSet: number, timeMs: number, value: number];

/** Rows of the selected series from a time until another, in order of time: label set, time, then the columns. */
type ReadRows = <T>(table: string, columns: readonly string[], fromMs: number, toMs: number) => T[];

/** Stored roll-ups, and newer periods rolled up for this query. See `SampleStore`. */
export function queryRollUps(database: Database, labelSets: LabelSets, query: SeriesQuery): RollUpSeries[] {
  const { metric } = query;
  const [startMs, endMs] = [periodOf(query.fromMs + PERIOD_MS - 1), periodOf(query.toMs) + PERIOD_MS];
  return querySeries<RollUp>(database, labelSets, query, (group, rowsOf, add) => {
    const rawFromMs = Math.min(endMs, Math.max(startMs, rawStart(database, group, startMs)));
    const rolled = rowsOf<RollUpRow>(rollUpTableOf(group), rollUpColumnsOf(metric), startMs, rawFromMs);
    for (const [labelSet, timeMs, avg, max, p95] of rolled)
      add(labelSet, { timeMs, avg, max: max ?? avg, p95: p95 ?? max ?? avg });
    const samples = rowsOf<SampleRow>(tableOf(group), [metric], rawFromMs, endMs);
    for (const [labelSet, periodMs, values] of inPeriods(samples)) add(labelSet, rollUp(periodMs, values));
  });
}

/** Stored hours; those of an earlier version and those that are not yet, rolled up for this query. */
export function queryHours(database: Database, labelSets: LabelSets, query: SeriesQuery): HourlySeries[] {
  const { metric } = query;
  const [startMs, endMs] = [hourOf(query.fromMs + HOUR_MS - 1), hourOf(query.toMs) + HOUR_MS];
  return querySeries<HourlyRollUp>(database, labelSets, query, (group, rowsOf, add) => {
    const merge = (fromMs: number, toMs: number) => {
      const parts = readParts(database, group, metric, rowsOf, fromMs, toMs);
      for (const [labelSet, own] of parts)
        for (const [hourMs, some] of Map.groupBy(own, ({ timeMs }) => hourOf(timeMs)))
          add(labelSet, mergeRollUps(hourMs, some));
    };
    const [keptFromMs, keptToMs] = keptHours(database, group, startMs).map((ms) => Math.min(ms, endMs)) as [
      number,
      number,
    ];
    merge(startMs, keptFromMs);
    const kept = rowsOf<HourRow>(hourTableOf(group), hourColumnsOf(metric), keptFromMs, keptToMs);
    for (const [labelSet, timeMs, avg, max] of kept) add(labelSet, { timeMs, avg, max: max ?? avg });
    merge(keptToMs, endMs);
  });
}

/** The roll-ups of periods by label set, with how many samples each is of. */
function readParts(
  database: Database,
  group: Group,
  metric: string,
  rowsOf: ReadRows,
  fromMs: number,
  toMs: number,
): Map<number, HourPart[]> {
  const found = new Map<number, HourPart[]>();
  if (fromMs >= toMs) return found;
  const add = adderOf(found);
  const rawFromMs = Math.min(toMs, Math.max(fromMs, rawStart(database, group, fromMs)));
  const columns = [...hourColumnsOf(metric), SAMPLES_COLUMN];
  for (const [labelSet, timeMs, avg, max, samples] of rowsOf<PartRow>(
    rollUpTableOf(group),
    columns,
    fromMs,
    rawFromMs,
  ))
    add(labelSet, { timeMs, avg, max: max ?? avg, samples: parseSamples(samples)(metric) });
  const rows = rowsOf<SampleRow>(tableOf(group), [metric], rawFromMs, toMs);
  for (const [labelSet, periodMs, values] of inPeriods(rows))
    add(labelSet, { ...rollUp(periodMs, values), samples: values.length });
  return found;
}

/** Reads in one transaction, with the dictionary that it needs. `read` adds the points of a series in order of time. */
function querySeries<T>(
  database: Database,
  labelSets: LabelSets,
  query: SeriesQuery,
  read: (group: Group, rowsOf: ReadRows, add: (labelSet: number, point: T) => void) => void,
): { metric: string; labels: RollUpSeries['labels']; points: T[] }[] {
  const { metric, mostSamples } = query;
  const group = groupOf(metric);
  if (group === undefined) return [];
  return database.read(() => {
    labelSets.refresh();
    const selected = labelSets.select(group, query);
    const ids = selected === undefined ? [] : [idsOf(selected)];
    const isFew = selected !== undefined && selected.length <= SEEK_SHARE * labelSets.size(group);
    const steps = new Map([
      [rollUpTableOf(group), PERIOD_MS],
      [hourTableOf(group), HOUR_MS],
    ]);
    const rowsOf: ReadRows = <Row>(table: string, columns: readonly string[], from: number, to: number) => {
      const present = from < to ? columnsOf(database, table) : new Set<string>();
      if (!columns.every((column) => present.has(column))) return [];
      const stepMs = steps.get(table);
      const sql =
        isFew && stepMs !== undefined
          ? seekSql(table, columns, stepMs)
          : scanSql(table, columns, selected !== undefined);
      if (mostSamples === undefined) return database.prepare(sql).all(from, to, ...ids) as unknown as Row[];
      const rows = database.prepare(`${sql} LIMIT ${mostSamples + 1}`).all(from, to, ...ids);
      if (rows.length > mostSamples) throw new TooManySamplesError(mostSamples);
      return rows as unknown as Row[];
    };
    const points = new Map<number, T[]>();
    read(group, rowsOf, adderOf(points));
    return [...points].flatMap(([id, list]) => {
      const set = labelSets.get(group, id);
      return set ? [{ metric, labels: set.labels, points: list }] : [];
    });
  });
}

function adderOf<T>(lists: Map<number, T[]>): (labelSet: number, item: T) => void {
  return (labelSet, item) => {
    const list = lists.get(labelSet);
    if (list) list.push(item);
    else lists.set(labelSet, [item]);
  };
}
/** Rows from ?1 until ?2, whole times. */
function scanSql(table: string, columns: readonly string[], some: boolean): string {
  return `SELECT label_set, time_ms, ${columns} FROM ${table}
    WHERE time_ms >= ?1 AND time_ms < ?2 AND ${columns[0]} IS NOT NULL
      ${some ? 'AND label_set IN (SELECT value FROM json_each(?3))' : ''}
    ORDER BY time_ms`;
}

/** The label sets ?3 in each period from ?1 until ?2: of a large fleet, a month of a cluster is a small share of the rows. */
function seekSql(table: string, columns: readonly string[], stepMs: number): string {
  return `WITH RECURSIVE period(time_ms) AS (
      SELECT min(time_ms) FROM ${table} WHERE time_ms >= ?1
      UNION ALL
      SELECT time_ms + ${stepMs} FROM period
      WHERE time_ms + ${stepMs} < ?2 AND time_ms < (SELECT max(time_ms) FROM ${table})
    )
    SELECT r.label_set, r.time_ms, ${columns.map((column) => `r."${column}"`)}
    FROM period CROSS JOIN ${table} AS r
      ON r.time_ms = period.time_ms AND r.label_set IN (SELECT value FROM json_each(?3))
    WHERE r.time_ms < ?2 AND r."${columns[0]}" IS NOT NULL
    ORDER BY r.time_ms`;
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
