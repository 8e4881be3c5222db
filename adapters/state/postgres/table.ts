import { ConflictError } from '../../../core/errors.ts';
import type { Versioned } from '../../../core/ports.ts';
import type { PostgresDatabase } from '../../postgres/database.ts';
import type { Result, Session, Value } from '../../postgres/session.ts';

/** Values of a query whose only column is `body`. */
export async function readValues<T>(
  database: PostgresDatabase,
  sql: string,
  values: readonly Value[] = [],
): Promise<T[]> {
  const rows = await database.rows<[string]>(sql, values);
  return rows.map(([body]) => JSON.parse(body) as T);
}

/** Values of a query whose columns are `body` and `version`. */
export async function readVersioned<T>(
  database: PostgresDatabase,
  sql: string,
  values: readonly Value[] = [],
): Promise<Versioned<T>[]> {
  const rows = await database.rows<[string, number]>(sql, values);
  return rows.map(([body, version]) => ({ value: JSON.parse(body) as T, version }));
}

/** @throws ConflictError unless the conditional write changed its row */
export function expectChanged({ count }: Result, what: string, expectedVersion: number): void {
  if (count === 0) throw new ConflictError(`${what} has another version than ${expectedVersion}`);
}

/** Locks of transactions: numbers of our own beside a digest of what is locked. */
const PACE_LOCKS = 0x62_61_72_70;

/** Keeps other transactions off this destination until the end of this one, also where it has no row yet. */
export async function lockDestination(session: Session, destination: string): Promise<void> {
  await session.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [PACE_LOCKS, destination]);
}
