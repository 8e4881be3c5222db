import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { explainOpening, isBusyError, isCorruption } from '../adapters/sqlite/errors.ts';
import { isPresent } from '../adapters/sqlite/presence.ts';
import { ConfigError } from '../core/errors.ts';

/** Keeps a reference: garbage collection of a handle closes its database, and releases the lock. */
const held = new Set<DatabaseSync>();

/**
 * Locks a data folder for one process, by an open exclusive transaction, which the system ends with the process however
 * it dies. @throws ConfigError when another process has the folder, or when it cannot be opened or written
 */
export function lockFolder(dir: string): { release(): void } {
  const file = join(dir, 'lock.db');
  let db: DatabaseSync;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    // For a folder without permission SQLite only says that it cannot open the file.
    isPresent(file);
    db = new DatabaseSync(file);
  } catch (error) {
    throw explainOpening(error, file);
  }
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    db.close();
    if (isCorruption(cause))
      throw new ConfigError(`${file} is damaged and contains no data: delete it`, { cause });
    if (!isBusyError(cause)) throw explainOpening(cause, file);
    throw new ConfigError(
      `store.path: another bartizan process runs on ${dir}; stop it or choose another path`,
      { cause },
    );
  }
  held.add(db);
  return {
    release() {
      held.delete(db);
      db.close();
    },
  };
}
