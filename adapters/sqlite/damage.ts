import { existsSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { explainSqliteError, isDamage } from './errors.ts';

/** The databases of a data folder, by the word that commands call them. */
export const DATABASES = { samples: 'samples.db', state: 'state.db' } as const;
export type DatabaseName = keyof typeof DATABASES;

export type DatabaseCondition =
  | { state: 'fine' | 'missing' }
  /** What SQLite found first. */
  | { state: 'damaged'; detail: string };

/** Lines of SQLite's report that are kept. */
const MOST_LINES = 3;
/** With the database go the files of what is not yet folded into it. */
const SUFFIXES = ['', '-wal', '-shm'] as const;

/**
 * Reads the whole file and says whether it is sound: about a second for each GB. Changes nothing.
 * @throws ConfigError | RetryableError when it cannot be read, so that nobody knows
 */
export function examineDatabase(dir: string, name: DatabaseName): DatabaseCondition {
  const file = join(dir, DATABASES[name]);
  if (!existsSync(file)) return { state: 'missing' };
  try {
    const db = new DatabaseSync(file, { readOnly: true });
    try {
      const report = db.prepare(`PRAGMA quick_check(${MOST_LINES})`).all();
      const text = report.map((row) => String(Object.values(row)[0])).join('\n');
      if (text === 'ok') return { state: 'fine' };
      return { state: 'damaged', detail: text.replace(/^\*\*\*.*\n/, '').replaceAll('\n', '; ') };
    } finally {
      db.close();
    }
  } catch (error) {
    // A full disk, a lock or a wrong mode says nothing of what is in the file.
    if (!isDamage(error)) throw explainSqliteError(error, file);
    return { state: 'damaged', detail: error instanceof Error ? error.message : String(error) };
  }
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
