import type { Result } from './evaluation.ts';
import type { Scalar, Type, Value } from './functions.ts';
import { PAGE_BYTES, PAGE_ROWS } from './limits.ts';
import { invalid } from './service-error.ts';

/** The format of a result: https://docs.aws.amazon.com/timestream/latest/developerguide/API_query_Datum.html */
export interface WireResult {
  ColumnInfo: unknown[];
  Rows: { Data: unknown[] }[];
}

export function toWire({ columns, rows }: Result): WireResult {
  return {
    ColumnInfo: columns.map(({ name, type }) => ({ Name: name, Type: wireType(type) })),
    Rows: rows.map((row) => ({ Data: row.map((value, i) => datum(value, columns[i]?.type ?? 'varchar')) })),
  };
}

/** How many rows from `from` fit into a page, at most `most`. */
export function pageEnd(rows: readonly unknown[], from: number, most = PAGE_ROWS): number {
  let [bytes, end] = [0, from];
  while (end < rows.length && end - from < most) {
    bytes += Buffer.byteLength(JSON.stringify(rows[end]));
    if (bytes > PAGE_BYTES) break;
    end++;
  }
  if (end === from && from < rows.length)
    throw invalid('Query aborted as max page response size has been exceeded by the output result row');
  return end;
}

function wireType(type: Type): unknown {
  return typeof type === 'string'
    ? { ScalarType: type === 'interval' ? 'INTERVAL_DAY_TO_SECOND' : type.toUpperCase() }
    : { ArrayColumnInfo: { Type: wireType(type.array) } };
}

function datum(value: Value, type: Type): unknown {
  if (value === null) return { NullValue: true };
  if (typeof type === 'object')
    return { ArrayValue: (value as readonly Value[]).map((one) => datum(one, type.array)) };
  return { ScalarValue: scalar(value, type) };
}

function scalar(value: Value, type: Scalar): string {
  if (type === 'timestamp') return timeText(value as bigint);
  if (type === 'double') return javaDouble(value as number);
  return String(value);
}

/** The format `2021-11-19 00:07:04.593000000`. */
export function timeText(nanoseconds: bigint): string {
  const iso = new Date(Number(nanoseconds / 1_000_000_000n) * 1000).toISOString();
  return `${iso.slice(0, 19).replace('T', ' ')}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}`;
}

/** The format of Java's Double.toString: 42.0, 1.0E10, 4.9E-5. */
function javaDouble(value: number): string {
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-3 && size < 1e7)) {
    const text = String(value);
    return text.includes('.') ? text : `${text}.0`;
  }
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  return `${digits.includes('.') ? digits : `${digits}.0`}E${exponent.replace('+', '')}`;
}
