import { ConflictError } from '../../../core/errors.ts';
import type { Versioned } from '../../../core/ports.ts';
import type { Database } from '../../sqlite/database.ts';
import { parseStored } from '../../sqlite/errors.ts';

export type Parameter = string | number | null;

type Columns = readonly (Parameter | undefined)[];

/** Rows of a query, in one read transaction of their own. */
export function readRows<Row extends Columns>(
  database: Database,
  sql: string,
  ...parameters: readonly Parameter[]
): Row[] {
  return readEach(database, { sql, parameters, read: (row: Row) => row });
}

/** Rows of a query, each converted, for example parsed from JSON. */
export function readEach<Row extends Columns, T>(
  database: Database,
  { sql, parameters, read }: { sql: string; parameters: readonly Parameter[]; read: (row: Row) => T },
): T[] {
  return database.read(() => (database.prepare(sql).all(...parameters) as unknown as Row[]).map(read));
}

/** Values of a query whose only column is `body`. */
export function readValues<T>(database: Database, sql: string, ...parameters: readonly Parameter[]): T[] {
  return readEach(database, { sql, parameters, read: ([body]: [string]) => parseStored<T>(body) });
}

/** Values of a query whose columns are `body` and `version`. */
export function readVersioned<T>(
  database: Database,
  sql: string,
  ...parameters: readonly Parameter[]
): Versioned<T>[] {
  const read = ([body, version]: [string, number]) => ({ value: parseStored<T>(body), version });
  return readEach(database, { sql, parameters, read });
}

/**
 * Checks, inside a write transaction, that the row of `sql` has this version; 0 means that there is none.
 * @throws ConflictError
 */
export function expectVersion(
  database: Database,
  row: { sql: string; key: readonly string[]; what: string },
  expected: number,
): void {
  const stored = database.prepare(row.sql).get(...row.key) as unknown as [number] | undefined;
  const version = stored?.[0] ?? 0;
  if (version !== expected) throw new ConflictError(`${row.what} has version ${version}, not ${expected}`);
}
