import { findMetric, type Metric } from '../../../core/catalogue.ts';
import { ConfigError, PermanentError, RetryableError } from '../../../core/errors.ts';
import type { LabelGlobs, Labels, Selection } from '../../../core/model/labels.ts';
import type { Point, RollUp, RollUpSeries, Series } from '../../../core/model/sample.ts';
import { boundedRollUp } from '../../../core/numbers/roll-up.ts';
import type { SampleStore } from '../../../core/ports.ts';
import { isSelected } from '../../../core/selection.ts';
import type { TimestreamApi } from './api.ts';
import { labelsOf, SERIES } from './columns.ts';
import type { Cell } from './rows.ts';
import { columnsOf, describeQuery, latestQuery, rawQuery, rollUpQuery, type Table } from './sql.ts';
import { writeSamples } from './writing.ts';

/**
 * Samples in a table of Amazon Timestream for LiveAnalytics. The first write of a sample wins; a repeat with the same
 * value is counted as written, as the service does not distinguish them. Retention is the table's, and roll-ups are
 * computed when they are asked for, p95 by the nearest rank. Reads may be behind writes by moments. `whereNot` is applied
 * to what comes back: a query that names a column which no record has had yet fails, and there it excludes nothing.
 */
export function createTimestreamStore(api: TimestreamApi, table: Table): SampleStore {
  /**
   * Rows of a selection. A column that no record has had yet is an error to the service and no data to us. The table's
   * columns decide which it is, not the text of the error.
   */
  async function select(
    sql: string,
    selection: { metric: Metric; where?: LabelGlobs | undefined },
  ): Promise<Record<string, Cell>[]> {
    try {
      return await api.query(sql);
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error;
      const present = await presentColumns();
      if (columnsOf(selection).every((column) => present.has(column))) throw error;
      return [];
    }
  }

  async function presentColumns(): Promise<ReadonlySet<Cell>> {
    try {
      const rows = await api.query(describeQuery(table));
      return new Set(rows.map((row) => row.Column));
    } catch (cause) {
      if (!(cause instanceof PermanentError)) throw cause;
      throw new ConfigError(
        `Timestream: there is no table ${table.table} in the database ${table.database}`,
        { cause },
      );
    }
  }

  return {
    refusesLate: true,
    write: (samples) => writeSamples(api, table, samples),
    async query({ metric: name, where, whereNot, fromMs, toMs }) {
      const metric = findMetric(name);
      if (!metric || toMs < fromMs) return [];
      const rows = await select(rawQuery(table, { metric, where, fromMs, toMs }), { metric, where });
      return pointsBySeries(name, rows, { where, whereNot });
    },
    async latest({ metric: name, where, whereNot, sinceMs }) {
      const metric = findMetric(name);
      if (!metric) return [];
      return pointsBySeries(
        name,
        await select(latestQuery(table, { metric, where, sinceMs }), { metric, where }),
        { where, whereNot },
      );
    },
    async rollUps({ metric: name, where, whereNot, fromMs, toMs }): Promise<RollUpSeries[]> {
      const metric = findMetric(name);
      if (!metric || toMs < fromMs) return [];
      const rows = await select(rollUpQuery(table, { metric, where, fromMs, toMs }), { metric, where });
      const rollUpOf = (row: Record<string, Cell>): RollUp =>
        boundedRollUp({
          timeMs: numberOf(row, 'time'),
          avg: numberOf(row, 'avg'),
          min: numberOf(row, 'min'),
          max: numberOf(row, 'max'),
          p95: numberOf(row, 'p95'),
        });
      return bySeries(rows, { where, whereNot }, rollUpOf).map((one) => ({ metric: name, ...one }));
    },
    rollUp: async () => 0,
    prune: async () => 0,
    close: async () => api.close(),
  };
}

function pointsBySeries(metric: string, rows: Record<string, Cell>[], selection: Selection): Series[] {
  const pointOf = (row: Record<string, Cell>): Point => ({
    timeMs: numberOf(row, 'time'),
    value: numberOf(row, 'value'),
  });
  return bySeries(rows, selection, pointOf).map((one) => ({ metric, ...one }));
}

/** Rows come in no order, and may be of more series than the globs select. */
function bySeries<T extends { timeMs: number }>(
  rows: readonly Record<string, Cell>[],
  selection: Selection,
  pointOf: (row: Record<string, Cell>) => T,
): { labels: Labels; points: T[] }[] {
  const found = Map.groupBy(rows, (row) => String(row[SERIES]));
  return [...found].flatMap(([series, own]) => {
    const labels = labelsOf(series);
    if (!isSelected(selection, labels)) return [];
    return [{ labels, points: own.map(pointOf).sort((a, b) => a.timeMs - b.timeMs) }];
  });
}

function numberOf(row: Record<string, Cell>, column: string): number {
  const cell = row[column];
  if (typeof cell !== 'number') throw new RetryableError(`Timestream answered ${cell} as ${column}`);
  return cell;
}
