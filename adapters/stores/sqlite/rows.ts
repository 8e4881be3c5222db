import { METRICS } from '../../../core/catalogue.ts';
import type { Labels } from '../../../core/model/labels.ts';
import type { Sample } from '../../../core/model/sample.ts';
import type { RejectedSample } from '../../../core/ports.ts';
import type { Database, Row } from '../../sqlite/database.ts';
import type { LabelSet, LabelSets } from './label-sets.ts';
import { markLate } from './roll-up-progress.ts';
import { type Group, metricsOf, tableOf } from './schema.ts';

/** Time, label set, then a value or null for each of `metricsOf(group)`: the parameters of the insert. */
type SampleRow = (number | null)[];

interface Column {
  group: Group;
  /** Index of the metric's value in a row. */
  index: number;
}

const KEY_COLUMNS = 2;
const COLUMNS: ReadonlyMap<string, Column> = new Map(
  METRICS.map(({ name, group }) => [name, { group, index: KEY_COLUMNS + metricsOf(group).indexOf(name) }]),
);
const WIDTHS = new Map(METRICS.map(({ group }) => [group, KEY_COLUMNS + metricsOf(group).length]));

export interface Assembled {
  rows: ReadonlyMap<Group, readonly SampleRow[]>;
  /** Repeats within these samples. */
  duplicates: number;
  rejected: RejectedSample[];
}

/** Gathers samples into rows, first value first served. Belongs inside a write transaction. */
export function assembleRows(samples: readonly Sample[], labelSets: LabelSets): Assembled {
  const assemblies = new Map<Group, ReturnType<typeof createAssembly>>();
  const rejected: RejectedSample[] = [];
  let duplicates = 0;
  for (const sample of samples) {
    const { metric, labels, timeMs, value } = sample;
    const column = COLUMNS.get(metric);
    const reason = rejection(column, timeMs, value);
    if (!column || reason !== undefined) {
      rejected.push({ sample, reason: reason ?? 'unknown metric', cause: 'invalid' });
      continue;
    }
    let assembly = assemblies.get(column.group);
    if (!assembly) {
      assembly = createAssembly(column.group, labelSets);
      assemblies.set(column.group, assembly);
    }
    const row = assembly.row(labels, timeMs);
    if (row[column.index] === null) row[column.index] = value;
    else duplicates++;
  }
  const rows = new Map([...assemblies].map(([group, assembly]) => [group, assembly.sorted()]));
  return { rows, duplicates, rejected };
}

function rejection(column: Column | undefined, timeMs: number, value: number): string | undefined {
  if (!column) return 'the catalogue has no such metric';
  if (!Number.isFinite(value)) return 'its value is not a finite number';
  if (!Number.isSafeInteger(timeMs)) return 'its time is not a whole number of milliseconds';
  return undefined;
}

function createAssembly(group: Group, labelSets: LabelSets) {
  /** A probe gives the samples of a thing the same labels object: most look-ups end here. */
  const byObject = new Map<Labels, LabelSet>();
  const byTime = new Map<number, Map<number, SampleRow>>();
  const width = WIDTHS.get(group) ?? 0;

  return {
    row(labels: Labels, timeMs: number): SampleRow {
      let set = byObject.get(labels);
      if (!set || set.boundMs <= timeMs) {
        set = labelSets.admit(group, labels, timeMs);
        byObject.set(labels, set);
      }
      let rows = byTime.get(timeMs);
      if (!rows) {
        rows = new Map();
        byTime.set(timeMs, rows);
      }
      let row = rows.get(set.id);
      if (!row) {
        row = new Array<number | null>(width).fill(null);
        row[0] = timeMs;
        row[1] = set.id;
        rows.set(set.id, row);
      }
      return row;
    },
    /** In the order of the table, which fills its pages. */
    sorted: (): SampleRow[] =>
      [...byTime.values()]
        .flatMap((rows) => [...rows.values()])
        .sort((a, b) => Number(a[0]) - Number(b[0]) || Number(a[1]) - Number(b[1])),
  };
}

/** Writes rows; of a row that is there already, only what it lacks. Returns how many values were there already. */
export function insertRows(database: Database, group: Group, rows: readonly SampleRow[]): number {
  const metrics = metricsOf(group);
  const columns = ['time_ms', 'label_set', ...metrics.map((metric) => `"${metric}"`)];
  const insert = database.prepare(
    `INSERT INTO ${tableOf(group)} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
     ON CONFLICT DO NOTHING`,
  );
  markLate(
    database,
    group,
    rows.map(([timeMs]) => Number(timeMs)),
  );
  let duplicates = 0;
  for (const row of rows) {
    if (Number(insert.run(...row).changes) === 0) duplicates += fillRow(database, group, metrics, row);
  }
  return duplicates;
}

function fillRow(database: Database, group: Group, metrics: readonly string[], row: SampleRow): number {
  const columns = metrics.map((metric) => `"${metric}"`);
  const key = [row[0] ?? null, row[1] ?? null];
  const stored = database
    .prepare(`SELECT ${columns.join(', ')} FROM ${tableOf(group)} WHERE time_ms = ? AND label_set = ?`)
    .get(...key) as unknown as Row;
  const values = row.slice(KEY_COLUMNS);
  const duplicates = values.filter((value, i) => value !== null && stored[i] !== null).length;
  if (values.some((value, i) => value !== null && stored[i] === null)) {
    const assignments = columns.map((column) => `${column} = coalesce(${column}, ?)`);
    database
      .prepare(`UPDATE ${tableOf(group)} SET ${assignments.join(', ')} WHERE time_ms = ? AND label_set = ?`)
      .run(...values, ...key);
  }
  return duplicates;
}
