import { startTimestreamEmulator, type TimestreamEmulator } from '../localstack/timestream/emulator.ts';
import { ServiceError } from '../localstack/timestream/service-error.ts';

export const NOW = Date.UTC(2026, 10, 24, 12);

type Json = Record<string, unknown>;

interface Answer {
  Rows: { Data: { ScalarValue?: string; NullValue?: boolean }[] }[];
  ColumnInfo: { Name: string; Type: { ScalarType: string } }[];
  NextToken?: string;
}

/** An emulator without a transport, with one table at a time. */
export interface TimestreamFixture {
  timestream: TimestreamEmulator;
  names: { DatabaseName: string; TableName: string };
  /** Creates another table, which all calls use from now on. */
  nextTable(properties?: Json): void;
  write(...records: Json[]): object;
  /** `$` is the table. */
  query(sql: string, extra?: Json): Answer;
  /** The rows of a query with one page. */
  cells(sql: string): (string | null | undefined)[][];
}

export async function startTimestreamFixture(): Promise<TimestreamFixture> {
  const timestream = await startTimestreamEmulator({ nowMs: () => NOW });
  timestream.operate('CreateDatabase', { DatabaseName: 'db1' });
  const names = { DatabaseName: 'db1', TableName: '' };
  let table = 0;
  const query = (sql: string, extra: Json = {}) =>
    timestream.operate('Query', {
      QueryString: sql.replace('$', `"db1"."${names.TableName}"`),
      ...extra,
    }) as Answer;
  return {
    timestream,
    names,
    nextTable(properties) {
      names.TableName = `tb${++table}`;
      timestream.operate('CreateTable', { ...names, ...properties });
    },
    write: (...records) => timestream.operate('WriteRecords', { ...names, Records: records }),
    query,
    cells: (sql) =>
      query(sql).Rows.map(({ Data }) =>
        Data.map(({ ScalarValue, NullValue }) => (NullValue ? null : ScalarValue)),
      ),
  };
}

export function record(extra: Json = {}): Json {
  return {
    Dimensions: [{ Name: 'node', Value: 'a' }],
    MeasureName: 'g',
    MeasureValueType: 'MULTI',
    MeasureValues: [{ Name: 'x', Value: '1.5', Type: 'DOUBLE' }],
    Time: String(NOW),
    ...extra,
  };
}

export function measures(list: Record<string, string>, type = 'DOUBLE'): Json[] {
  return Object.entries(list).map(([Name, Value]) => ({ Name, Value, Type: type }));
}

/** The error of the service instead of a result. */
export function refusal(run: () => unknown): ServiceError {
  try {
    run();
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
