import { existsSync, renameSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { explainSqliteError, isCorruption } from './errors.ts';
import { isPresent } from './presence.ts';

/** The databases of a data folder, by their names in commands. */
export const DATABASES = { samples: 'samples.db', state: 'state.db' } as const;
export type DatabaseName = keyof typeof DATABASES;

export type DatabaseCondition =
  | { state: 'fine' | 'missing' }
  /** What SQLite found first. */
  | { state: 'damaged'; detail: string };

/** State is small, and `quick_check` does not compare its partial indexes with their tables. */
const CHECKS: Record<DatabaseName, string> = { samples: 'quick_check', state: 'integrity_check' };
/** Whoever closes a database last folds its log into it, and lets nobody else in meanwhile. */
const BUSY_TIMEOUT_MS = 2_000;
/** Beside the databases; written from the first round on, after both have begun. */
const AUDIT = 'audit.jsonl';
/** Lines of a report that are kept. */
const MOST_LINES = 3;
/** Columns that hold JSON, in whatever table. */
const JSON_COLUMNS = `SELECT t.name AS "table", c.name AS "column" FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
  WHERE t.type = 'table' AND c.name IN ('body', 'labels') ORDER BY 1, 2`;
/** The write-ahead log and its index belong to a database. */
const SUFFIXES = ['', '-wal', '-shm'] as const;

/**
 * Reads the whole file and reports whether it is sound: about a second for each GB. Changes nothing.
 * @throws ConfigError | RetryableError when it cannot be read, so that nobody knows
 */
export function checkIntegrity(dir: string, name: DatabaseName): DatabaseCondition {
  const file = join(dir, DATABASES[name]);
  if (!isPresent(file)) return { state: 'missing' };
  // What a crash of the machine may leave; SQLite takes it for a database that has just begun.
  if (sizeOf(file) === 0 && sizeOf(join(dir, AUDIT)) > 0)
    return { state: 'damaged', detail: 'the file is empty' };
  try {
    const db = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    try {
      const report = db.prepare(`PRAGMA ${CHECKS[name]}(${MOST_LINES})`).all();
      const text = report.map((row) => String(Object.values(row)[0])).join('\n');
      if (text !== 'ok') {
        return { state: 'damaged', detail: text.replace(/^\*\*\*.*\n/, '').replaceAll('\n', '; ') };
      }
      const unreadable = unreadableRows(db);
      if (unreadable.length === 0) return { state: 'fine' };
      return { state: 'damaged', detail: unreadable.slice(0, MOST_LINES).join('; ') };
    } finally {
      db.close();
    }
  } catch (error) {
    // A full disk, a lock or a wrong mode says nothing about the content of the file.
    if (!isCorruption(error)) throw explainSqliteError(error, file);
    return { state: 'damaged', detail: error instanceof Error ? error.message : String(error) };
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Rows with sound pages and unreadable content: a line for each table. */
function unreadableRows(db: DatabaseSync): string[] {
  const columns = db.prepare(JSON_COLUMNS).all() as { table: string; column: string }[];
  return columns.flatMap(({ table, column }) => {
    const found = db
      .prepare(`SELECT count(*) AS rows FROM "${table}" WHERE NOT json_valid("${column}")`)
      .get();
    const rows = Number(found?.rows);
    return rows === 0 ? [] : [`${rows} ${rows === 1 ? 'row' : 'rows'} of ${table} cannot be read`];
  });
}

/**
 * Renames a database with its write-ahead log, so that the next start begins with an empty one; nothing is deleted.
 * The caller holds the folder's lock. Returns the names of the files now.
 */
export function moveAside(dir: string, name: DatabaseName, nowMs: number): string[] {
  const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const file = join(dir, DATABASES[name]);
  return SUFFIXES.filter((suffix) => existsSync(file + suffix)).map((suffix) => {
    const aside = `${file}.aside-${stamp}${suffix}`;
    renameSync(file + suffix, aside);
    return basename(aside);
  });
}
