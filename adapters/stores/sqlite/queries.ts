import type { Series } from '../../../core/model/sample.ts';
import type { SampleStore, SeriesQuery } from '../../../core/ports.ts';
import { TooManySamplesError } from '../../../core/sample-store.ts';
import type { Database } from '../../sqlite/database.ts';
import type { LabelSet, LabelSets } from './label-sets.ts';
import { createPackedPoints, type PackedEntries, type PointRow } from './packed-points.ts';
import { columnsOf, type Group, groupOf, tableOf } from './schema.ts';

/** Up to this share of a group's label sets they are looked up in each round; above, whole rounds are read. */
export const SEEK_SHARE = 0.25;
/**
 * Rows that one statement returns, or one round. SQLite's binding keeps all of them alive at once, on the heap and
 * outside of it: 1.2 million rows took 500 MB and twice the time.
 */
const ROWS_PER_STATEMENT = 10_000;

/** Each call reads in one transaction, with the dictionary that it needs. */
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

  function read(
    query: Pick<SeriesQuery, 'metric' | 'where' | 'whereNot'>,
    entriesOf: (group: Group, selected: readonly LabelSet[] | undefined) => PackedEntries,
  ): Series[] {
    const { metric } = query;
    const group = groupOf(metric);
    if (group === undefined) return [];
    return database.read(() => {
      labelSets.refresh();
      const selected = labelSets.select(group, query);
      if (selected?.length === 0 || !isStored(group, metric)) return [];
      return toSeries(metric, group, entriesOf(group, selected), labelSets);
    });
  }

  return {
    query: async ({ fromMs, toMs, everyMs, mostSamples = Infinity, ...query }) =>
      read(query, (group, selected) => {
        const sets = labelSets.size(group);
        const few = selected !== undefined && selected.length <= SEEK_SHARE * sets;
        const sql = few ? seekSql(group, query.metric) : scanSql(group, query.metric, selected !== undefined);
        const ids = selected === undefined ? [] : [idsOf(selected)];
        const points = createPackedPoints();
        const rounds = roundsOf(group, fromMs, toMs);
        const chosen = everyMs === undefined ? rounds : rounds.filter((timeMs) => timeMs % everyMs === 0);
        // A statement reads one chosen round: between two of them there are others.
        const size = everyMs === undefined ? ROWS_PER_STATEMENT / (selected?.length ?? sets) : 1;
        let count = 0;
        for (const [from, to] of spans(chosen, size)) {
          const rows = database.prepare(sql).all(from, to, ...ids) as unknown as PointRow[];
          count += rows.length;
          if (count > mostSamples) throw new TooManySamplesError(mostSamples);
          points.add(rows);
        }
        return points.entries();
      }),
    latest: async ({ sinceMs, ...query }) =>
      read(query, (group, selected) => {
        const ids = selected === undefined ? [] : [idsOf(selected)];
        const sql = latestSql(group, query.metric, selected !== undefined);
        const rows = database.prepare(sql).all(sinceMs, group, ...ids) as unknown as PointRow[];
        const indexes = new Map(rows.map(([labelSet], i) => [labelSet, i]));
        const pointsOf = (i: number) => rows.slice(i, i + 1).map(([, timeMs, value]) => ({ timeMs, value }));
        return { indexes, pointsOf };
      }),
  };

  /** The times of rounds, ascending. */
  function roundsOf(group: Group, fromMs: number, toMs: number): number[] {
    const rows = database.prepare(roundsSql(group)).all(fromMs, toMs) as unknown as [number][];
    return rows.map(([timeMs]) => timeMs);
  }
}

/** First and last of so many rounds in a row, at least one. */
function* spans(rounds: readonly number[], size: number): Generator<[from: number, to: number]> {
  const step = Math.max(1, Math.floor(size));
  for (let first = 0; first < rounds.length; first += step) {
    const last = Math.min(first + step, rounds.length) - 1;
    yield [rounds[first] as number, rounds[last] as number];
  }
}

export const idsOf = (selected: readonly LabelSet[]): string => JSON.stringify(selected.map((set) => set.id));

/** Rounds from ?1 to ?2, whole. `+` keeps the planner from looking up each label set. */
function scanSql(group: Group, metric: string, some: boolean): string {
  return `SELECT label_set, time_ms, "${metric}" FROM ${tableOf(group)}
    WHERE time_ms BETWEEN ?1 AND ?2 AND "${metric}" IS NOT NULL
      ${some ? 'AND +label_set IN (SELECT value FROM json_each(?3))' : ''}
    ORDER BY time_ms`;
}

/** The times of rounds from ?1 to ?2, going from round to round by the index. */
function roundsWith(group: Group): string {
  const table = tableOf(group);
  return `WITH RECURSIVE round(time_ms) AS (
      SELECT min(time_ms) FROM ${table} WHERE time_ms >= ?1
      UNION ALL
      SELECT (SELECT min(time_ms) FROM ${table} WHERE time_ms > round.time_ms) FROM round WHERE round.time_ms < ?2
    )`;
}

function roundsSql(group: Group): string {
  return `${roundsWith(group)} SELECT time_ms FROM round WHERE time_ms <= ?2 ORDER BY time_ms`;
}

/** The label sets ?3 in each round from ?1 to ?2. */
function seekSql(group: Group, metric: string): string {
  const table = tableOf(group);
  return `${roundsWith(group)}
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

const SOURCE = Symbol('source');
const INDEX = Symbol('index');
type PackedSeries = Series & { [SOURCE]: PackedEntries; [INDEX]: number };

/** One for all series: a getter of its own takes half a kilobyte of each, and a round reads tens of thousands. */
const POINTS: PropertyDescriptor & ThisType<PackedSeries> = {
  enumerable: true,
  get() {
    return this[SOURCE].pointsOf(this[INDEX]);
  },
};

/** Points become objects when somebody reads them: an evaluation reads one series after the other. */
function toSeries(metric: string, group: Group, entries: PackedEntries, labelSets: LabelSets): Series[] {
  const series: Series[] = [];
  for (const [id, index] of entries.indexes) {
    const set = labelSets.get(group, id);
    if (!set) continue;
    const one = Object.defineProperty({ metric, labels: set.labels }, SOURCE, { value: entries });
    Object.defineProperty(one, INDEX, { value: index });
    series.push(Object.defineProperty(one, 'points', POINTS) as PackedSeries);
  }
  return series;
}
