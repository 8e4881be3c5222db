import type { ColumnInfo, Datum, Row } from '@aws-sdk/client-timestream-query';
import { RetryableError } from '../../../core/errors.ts';

/** A cell by its column's type: VARCHAR a string, TIMESTAMP milliseconds since the epoch, numbers a number. */
export type Cell = string | number | boolean | undefined;

const NUMBERS = new Set(['DOUBLE', 'BIGINT', 'INTEGER']);
/** `2021-11-19 00:07:04.593000000`, in UTC; digits may be fewer. */
const TIME = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?$/;

/**
 * Rows of an answer as objects by column name; NULL is undefined.
 * @throws RetryableError for what is no such answer: a row must never be lost silently
 */
export function readRows(columns: readonly ColumnInfo[], rows: readonly Row[]): Record<string, Cell>[] {
  return rows.map(({ Data: data }) => {
    if (data?.length !== columns.length)
      throw unreadable(`a row of ${data?.length} cells, ${columns.length} columns`);
    return Object.fromEntries(
      columns.map((column, i) => [column.Name ?? `_col${i}`, readCell(column, data[i])]),
    );
  });
}

function readCell(column: ColumnInfo, datum: Datum | undefined): Cell {
  if (datum?.NullValue) return undefined;
  const [type, value] = [column.Type?.ScalarType, datum?.ScalarValue];
  if (type === undefined || value === undefined) throw unreadable(`no scalar in the column ${column.Name}`);
  if (NUMBERS.has(type)) {
    const number = Number(value);
    if (value.trim() === '' || Number.isNaN(number)) throw unreadable(`${value} as a ${type}`);
    return number;
  }
  if (type === 'TIMESTAMP') return readTime(value);
  if (type === 'BOOLEAN') return value === 'true';
  return value;
}

/** Milliseconds; digits below them are cut off. */
function readTime(text: string): number {
  const [whole, day, time, fraction = ''] = TIME.exec(text) ?? [];
  const timeMs = Date.parse(`${day}T${time}.${fraction.padEnd(3, '0').slice(0, 3)}Z`);
  if (whole === undefined || Number.isNaN(timeMs)) throw unreadable(`${text} as a time`);
  return timeMs;
}

function unreadable(what: string): RetryableError {
  return new RetryableError(`Timestream answered ${what}`);
}
