import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { ConfigError } from '../../core/errors.ts';
import { explainOpening, explainSqliteError } from './errors.ts';
import { isPresent } from './presence.ts';

export interface DatabaseOptions {
  /** Folder of the file; created with mode 0700 where missing. */
  path: string;
  /** Name of the file in it. */
  file: string;
  /** DDL in order; the n-th leads from schema version n−1 to n. Never edit one that was released: append. */
  migrations: readonly string[];
  /** For a second process: no file is created, nothing is migrated. */
  readOnly?: boolean;
  /** How long to wait for another process's lock before a RetryableError. The event loop waits along. */
  busyTimeoutMs?: number;
}

/** A row with its columns in order. */
export type Row = readonly (string | number | null)[];

/** One connection. Everything here throws the errors of core/errors.ts. */
export interface Database {
  /** Prepared once per text; rows come as arrays. */
  prepare(sql: string): StatementSync;
  /** All of `run` or nothing, on disk when it returns. */
  write<T>(run: () => T): T;
  /** All statements of `run` see the same moment. */
  read<T>(run: () => T): T;
  isOpen(): boolean;
  /** Empties the write-ahead log. Safe to call twice. */
  close(): void;
}

const BUSY_TIMEOUT_MS = 2_000;
/** The log is folded into the database when it has this many pages (4 KiB each) … */
const CHECKPOINT_PAGES = 2_000;
/** … and its file is cut back to this after it was longer for once, because a reader held it open. */
const WAL_LIMIT_BYTES = 64 * 1024 * 1024;
/** The system keeps pages as well, so that a larger cache (32 MiB) saved no time and only took memory, once for each connection. */
const CACHE_KIB = 8 * 1024;

/**
 * Opens a database file in WAL mode, durable at each commit, and brings its schema up to date.
 * @throws ConfigError when it is damaged, newer than this program, not accessible, or (read-only) not there yet
 */
export function openDatabase(options: DatabaseOptions): Database {
  const { path, migrations, readOnly = false, busyTimeoutMs = BUSY_TIMEOUT_MS } = options;
  const file = join(path, options.file);
  let db: DatabaseSync;
  try {
    if (!readOnly) createFile(path, file);
    else if (!isPresent(file)) throw nothingYet(file);
    db = new DatabaseSync(file, { readOnly, timeout: busyTimeoutMs });
  } catch (error) {
    throw explainOpening(error, file);
  }
  const statements = new Map<string, StatementSync>();

  function within<T>(begin: string, run: () => T): T {
    try {
      db.exec(begin);
      const result = run();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      // A full disk has already rolled the transaction back.
      if (db.isOpen && db.isTransaction) db.exec('ROLLBACK');
      throw explainSqliteError(error, file);
    }
  }

  const database: Database = {
    prepare(sql) {
      let statement = statements.get(sql);
      if (!statement) {
        statement = db.prepare(sql, { returnArrays: true });
        statements.set(sql, statement);
      }
      return statement;
    },
    write: (run) => within('BEGIN IMMEDIATE', run),
    read: (run) => within('BEGIN', run),
    isOpen: () => db.isOpen,
    close() {
      if (!db.isOpen) return;
      statements.clear();
      try {
        if (!readOnly) db.exec('PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)');
      } catch (error) {
        throw explainSqliteError(error, file);
      } finally {
        db.close();
      }
    },
  };

  try {
    db.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
    if (readOnly) checkVersion(database, migrations.length, file);
    else {
      db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
        PRAGMA journal_size_limit = ${WAL_LIMIT_BYTES}`);
      migrate(database, db, migrations, file);
    }
    return database;
  } catch (error) {
    db.close();
    throw explainSqliteError(error, file);
  }
}

/** The file before SQLite makes it: its log and index take over owner and mode. */
function createFile(path: string, file: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
}

function nothingYet(file: string): ConfigError {
  return new ConfigError(`store.path: there are no data in ${file} yet; \`bartizan up\` writes them`);
}

function versionOf(database: Database): number {
  return Number((database.prepare('PRAGMA user_version').get() as unknown as Row)[0]);
}

function refuseNewer(version: number, known: number, file: string): void {
  if (version <= known) return;
  throw new ConfigError(
    `${file} was written by a newer bartizan (schema ${version}, this program knows ${known}); update bartizan, or ` +
      'choose another store.path',
  );
}

function checkVersion(database: Database, known: number, file: string): void {
  const version = versionOf(database);
  refuseNewer(version, known, file);
  if (version === 0) throw nothingYet(file);
  if (version < known) {
    throw new ConfigError(
      `${file} belongs to an older bartizan (schema ${version}, this program writes ${known}); start \`bartizan up\` once ` +
        'with this version to bring it up to date',
    );
  }
}

function migrate(database: Database, db: DatabaseSync, migrations: readonly string[], file: string): void {
  database.write(() => {
    const version = versionOf(database);
    refuseNewer(version, migrations.length, file);
    for (const ddl of migrations.slice(version)) db.exec(ddl);
    if (version < migrations.length) db.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}
