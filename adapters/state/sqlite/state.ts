import type { StateStore } from '../../../core/ports.ts';
import { openDatabase } from '../../sqlite/database.ts';
import { createAlerts } from './alerts.ts';
import { createIncidents } from './incidents.ts';
import { createLateSamples } from './late-samples.ts';
import { createPaces } from './paces.ts';
import { createRecords } from './records.ts';
import { MIGRATIONS } from './schema.ts';
import { createSilences } from './silences.ts';
import { createTokens } from './tokens.ts';

export interface SqliteStateOptions {
  /** Folder of the data; made if missing. State is in `state.db`. */
  path: string;
  /** For a second process beside the one that writes. */
  readOnly?: boolean;
  /** How long to wait for another process's lock before a RetryableError. */
  busyTimeoutMs?: number;
}

/**
 * Alerts, transitions, outbox, incidents and records in one SQLite file; every call is one transaction, on disk when
 * it resolves. At most one incident of a route, channel and group is open: opening another is a ConflictError.
 * @throws ConfigError see `openDatabase`
 */
export function openSqliteState(options: SqliteStateOptions): StateStore {
  const database = openDatabase({ ...options, file: 'state.db', migrations: MIGRATIONS });
  return {
    ...createAlerts(database),
    ...createIncidents(database),
    ...createPaces(database),
    ...createRecords(database),
    ...createSilences(database),
    ...createTokens(database),
    ...createLateSamples(database),
    close: async () => database.close(),
  };
}
