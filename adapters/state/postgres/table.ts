import { ConflictError, PermanentError } from '../../../core/errors.ts';
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
  return rows.map(([body]) => parseBody<T>(body, sql));
}

/** Values of a query whose columns are `body` and `version`. */
export async function readVersioned<T>(
  database: PostgresDatabase,
  sql: string,
  values: readonly Value[] = [],
): Promise<Versioned<T>[]> {
  const rows = await database.rows<[string, number]>(sql, values);
  return rows.map(([body, version]) => ({ value: parseBody<T>(body, sql), version }));
}

/** Only somebody else writes what is not JSON. The row itself may be of anything, so that only its table is named. */
function parseBody<T>(body: string, sql: string): T {
  try {
    return JSON.parse(body) as T;
  } catch (cause) {
    const table = /\bFROM (\w+)/.exec(sql)?.[1] ?? 'state';
    throw new PermanentError(
      `state in PostgreSQL is damaged: a row of the table ${table} is not what bartizan wrote. Restore the database, or delete the ` +
        'rows whose column `body` is no JSON',
      { cause },
    );
  }
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
