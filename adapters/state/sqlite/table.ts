import { ConflictError } from '../../../core/errors.ts';
import type { Versioned } from '../../../core/ports.ts';
import type { Database } from '../../sqlite/database.ts';

export type Parameter = string | number | null;

/** Rows of a query, in one read transaction of their own. */
export function readRows<Row extends readonly (Parameter | undefined)[]>(
  database: Database,
  sql: string,
  ...parameters: readonly Parameter[]
): Row[] {
  return database.read(() => database.prepare(sql).all(...parameters) as unknown as Row[]);
}

/** Values of a query whose only column is `body`. */
export function readValues<T>(database: Database, sql: string, ...parameters: readonly Parameter[]): T[] {
  return readRows<[string]>(database, sql, ...parameters).map(([body]) => JSON.parse(body) as T);
}

/** Values of a query whose columns are `body` and `version`. */
export function readVersioned<T>(
  database: Database,
  sql: string,
  ...parameters: readonly Parameter[]
): Versioned<T>[] {
  return readRows<[string, number]>(database, sql, ...parameters).map(([body, version]) => ({
    value: JSON.parse(body) as T,
    version,
  }));
}

/**
 * Inside a write transaction: that the row which `sql` looks for has this version, 0 when there is none.
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
