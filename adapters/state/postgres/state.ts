import type { RetryableError } from '../../../core/errors.ts';
import type { Secrets, StateStore } from '../../../core/ports.ts';
import { createDatabase, type PostgresDatabase } from '../../postgres/database.ts';
import { explainPostgresError } from '../../postgres/errors.ts';
import type { PostgresOptions } from '../../postgres/options.ts';
import { openPool } from '../../postgres/pool.ts';
import type { Session, Sessions } from '../../postgres/session.ts';
import { createAlerts } from './alerts.ts';
import { createIncidents } from './incidents.ts';
import { createLateSamples } from './late-samples.ts';
import { checkVersion, endpointOf } from './migrate.ts';
import { createPaces } from './paces.ts';
import { createRecords } from './records.ts';
import { createSilences } from './silences.ts';
import { createTokens } from './tokens.ts';

/** What the process that leads gives to its writes. */
export interface Fence {
  term: number;
  /** Another process leads now; the error for the write that found out. */
  onFenced: () => RetryableError;
}

/**
 * Alerts, transitions, outbox, incidents and records in one schema of PostgreSQL; every call is one transaction, on disk
 * of the server when it resolves. With a fence each write checks that its process leads.
 * @throws ConfigError | RetryableError when the tables are not there, are of another release, or cannot be reached
 */
export async function openPostgresState(
  options: PostgresOptions,
  { secrets, fence }: { secrets: Secrets; fence?: Fence },
): Promise<StateStore> {
  const sessions = await openPool(options, secrets);
  try {
    await prepare(sessions, options, checkVersion);
    return postgresState(sessions, options, fence);
  } catch (error) {
    await sessions.close();
    throw error;
  }
}

/** Calls `run` with a session and the options; its errors are those of core/errors.ts. */
export async function prepare(
  sessions: Sessions,
  options: PostgresOptions,
  run: (session: Session, options: PostgresOptions) => Promise<void>,
): Promise<void> {
  try {
    await sessions.use((session) => run(session, options));
  } catch (error) {
    throw explainPostgresError(error, endpointOf(options), options.port);
  }
}

/** State over sessions whose tables are there. */
export function postgresState(sessions: Sessions, options: PostgresOptions, fence?: Fence): StateStore {
  const database: PostgresDatabase = createDatabase({
    sessions,
    endpoint: endpointOf(options),
    port: options.port,
    ...fence,
  });
  return {
    ...createAlerts(database),
    ...createIncidents(database),
    ...createPaces(database),
    ...createRecords(database),
    ...createSilences(database),
    ...createTokens(database),
    ...createLateSamples(database),
    close: () => database.close(),
  };
}
