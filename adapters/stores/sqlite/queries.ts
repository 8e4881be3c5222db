import type { Point, Series } from '../../../core/model/sample.ts';
import type { SampleStore, SeriesQuery } from '../../../core/ports.ts';
import type { Database } from '../../sqlite/database.ts';
import type { LabelSet, LabelSets } from './label-sets.ts';
import { columnsOf, type Group, groupOf, tableOf } from './schema.ts';

type PointRow = readonly [labelSet: number, timeMs: number, value: number];

/** Up to this share of a group's label sets they are looked up in each round; above, whole rounds are read. */
const SEEK_SHARE = 0.25;

/** One statement a call, in one read transaction with the dictionary it needs. */
export function createQueries(
  database: Database,
  labelSets: LabelSets,
): Pick<SampleStore, 'query' | 'latest'> {
  const columns = new Map<Group, ReadonlySet<string>>();

  /** A program that only reads may know a metric that the one that writes does not. */
  function isStored(group: Group, metric: string): boolean {
    if (!columns.get(group)?.has(metric)) columns.set(group, columnsOf(database, tableOf(group)));
    return columns.get(group)?.has(metric) ?? false;
  }

  function read(query: Omit<SeriesQuery, 'fromMs' | 'toMs'>, rowsOf: RowsOf): Series[] {
    const group = groupOf(query.metric);
    if (group === undefined) return [];
    return database.read(() => {
      labelSets.refresh();
      const selected = labelSets.select(group, query);
      if (selected?.length === 0 || !isStored(group, query.metric)) return [];
      return toSeries(query.metric, group, rowsOf(group, selected), labelSets);
    });
  }

  return {
    query: async ({ fromMs, toMs, ...query }) =>
      read(query, (group, selected) => {
        const few = selected !== undefined && selected.length <= SEEK_SHARE * labelSets.size(group);
        const sql = few ? seekSql(group, query.metric) : scanSql(group, query.metric, selected !== undefined);
        const ids = selected === undefined ? [] : [idsOf(selected)];
        return database.prepare(sql).all(fromMs, toMs, ...ids) as unknown as PointRow[];
      }),
    latest: async ({ sinceMs, ...query }) =>
      read(query, (group, selected) => {
        const ids = selected === undefined ? [] : [idsOf(selected)];
        const sql = latestSql(group, query.metric, selected !== undefined);
        return database.prepare(sql).all(sinceMs, group, ...ids) as unknown as PointRow[];
      }),
  };
}

type RowsOf = (group: Group, selected: readonly LabelSet[] | undefined) => readonly PointRow[];

export const idsOf = (selected: readonly LabelSet[]): string => JSON.stringify(selected.map((set) => set.id));

/** Rounds from ?1 to ?2, whole. `+` keeps the planner from looking up each label set. */
function scanSql(group: Group, metric: string, some: boolean): string {
  return `SELECT label_set, time_ms, "${metric}" FROM ${tableOf(group)}
    WHERE time_ms BETWEEN ?1 AND ?2 AND "${metric}" IS NOT NULL
      ${some ? 'AND +label_set IN (SELECT value FROM json_each(?3))' : ''}
    ORDER BY time_ms`;
}

/** The label sets ?3 in each round from ?1 to ?2, going from round to round by the index. */
function seekSql(group: Group, metric: string): string {
  const table = tableOf(group);
  return `WITH RECURSIVE round(time_ms) AS (
      SELECT min(time_ms) FROM ${table} WHERE time_ms >= ?1
      UNION ALL
      SELECT (SELECT min(time_ms) FROM ${table} WHERE time_ms > round.time_ms) FROM round WHERE round.time_ms < ?2
    )
    SELECT s.label_set, s.time_ms, s."${metric}"
    FROM round CROSS JOIN ${table} AS s
      ON s.time_ms = round.time_ms AND s.label_set IN (SELECT value FROM json_each(?3))
    WHERE s.time_ms <= ?2 AND s."${metric}" IS NOT NULL
    ORDER BY s.time_ms`;
}

/** For each label set of group ?2 its newest value, going back from round to round until ?1. */
function latestSql(group: Group, metric: string, some: boolean): string {
  const table = tableOf(group);
  return `SELECT s.label_set, s.time_ms, s."${metric}"
    FROM label_set AS l CROSS JOIN ${table} AS s
      ON s.label_set = l.id AND s.time_ms = (
        WITH RECURSIVE round(time_ms) AS (
          SELECT max(time_ms) FROM ${table} WHERE time_ms < l.bound_ms
          UNION ALL
          SELECT (SELECT max(time_ms) FROM ${table} WHERE time_ms < round.time_ms) FROM round WHERE round.time_ms > ?1
          ORDER BY 1 DESC
        )
        SELECT p.time_ms FROM round CROSS JOIN ${table} AS p ON p.time_ms = round.time_ms AND p.label_set = l.id
        WHERE p.time_ms >= ?1 AND p."${metric}" IS NOT NULL
        LIMIT 1
      )
    WHERE l.metric_group = ?2 AND l.bound_ms > ?1
      ${some ? 'AND l.id IN (SELECT value FROM json_each(?3))' : ''}`;
}

/** Rows come in order of time. */
function toSeries(metric: string, group: Group, rows: readonly PointRow[], labelSets: LabelSets): Series[] {
  const points = new Map<number, Point[]>();
  for (const [labelSet, timeMs, value] of rows) {
    const known = points.get(labelSet);
    if (known) known.push({ timeMs, value });
    else points.set(labelSet, [{ timeMs, value }]);
  }
  const series: Series[] = [];
  for (const [id, list] of points) {
    const set = labelSets.get(group, id);
    if (set) series.push({ metric, labels: set.labels, points: list });
  }
  return series;
}
