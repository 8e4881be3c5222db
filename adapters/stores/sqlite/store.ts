import type { SampleStore } from '../../../core/ports.ts';
import { type Database, openDatabase } from '../../sqlite/database.ts';
import { createLabelSets } from './label-sets.ts';
import { createQueries } from './queries.ts';
import { pruneSamples } from './retention.ts';
import { queryHours, queryRollUps } from './roll-up-queries.ts';
import { rollUpSamples } from './roll-ups.ts';
import { assembleRows, insertRows } from './rows.ts';
import { followCatalogue, MIGRATIONS } from './schema.ts';
import { limitSize } from './size.ts';

export interface SqliteStoreOptions {
  /** Folder of the data; made if missing. Samples are in `samples.db`. */
  path: string;
  /** For a second process beside the one that writes. */
  readOnly?: boolean;
  /** How long to wait for another process's lock before a RetryableError. */
  busyTimeoutMs?: number;
  /** What samples and roll-ups may take; the oldest go first. Default: no limit. */
  maxBytes?: number | undefined;
  /** Rows that `prune` removes in one transaction. */
  pruneChunkRows?: number;
}

/**
 * The embedded sample store: one SQLite file, one process that writes, any number that read. Values come back as the
 * same doubles, but for −0, which becomes 0.
 * @throws ConfigError see `openDatabase`
 */
export function openSqliteStore(options: SqliteStoreOptions): SampleStore {
  const database = openDatabase({ ...options, file: 'samples.db', migrations: MIGRATIONS });
  if (!options.readOnly) closeOnError(database, () => followCatalogue(database));
  const labelSets = createLabelSets(database);

  return {
    ...createQueries(database, labelSets),
    async write(samples) {
      try {
        return database.write(() => {
          labelSets.refresh();
          const { rows, rejected, ...assembled } = assembleRows(samples, labelSets);
          let duplicates = assembled.duplicates;
          for (const [group, list] of rows) duplicates += insertRows(database, group, list);
          return { written: samples.length - duplicates - rejected.length, duplicates, rejected };
        });
      } catch (error) {
        labelSets.forget();
        throw error;
      }
    },
    rollUp: (untilMs) => rollUpSamples(database, untilMs),
    rollUps: async (query) => queryRollUps(database, labelSets, query),
    hourlyRollUps: async (query) => queryHours(database, labelSets, query),
    prune: (samplesMs, rollUpsMs = samplesMs) =>
      pruneSamples(database, labelSets, { samplesMs, rollUpsMs }, options.pruneChunkRows),
    async limitSize(limit) {
      const { maxBytes, pruneChunkRows } = options;
      const size = await limitSize(
        database,
        labelSets,
        { ...limit, maxBytes: maxBytes ?? Infinity },
        pruneChunkRows,
      );
      return { ...size, ...(maxBytes !== undefined && { maxBytes }) };
    },
    close: async () => database.close(),
  };
}

function closeOnError(database: Database, run: () => void): void {
  try {
    run();
  } catch (error) {
    database.close();
    throw error;
  }
}
