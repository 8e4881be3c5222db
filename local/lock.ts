import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ConfigError } from '../core/errors.ts';

/** Referenced from here: a handle that is collected as garbage closes its database, and the lock with it. */
const held = new Set<DatabaseSync>();

/**
 * Holds a data folder for one process: an open exclusive transaction, which the system ends with the process
 * however it dies. @throws ConfigError when another process holds it
 */
export function lockFolder(dir: string): { release(): void } {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(join(dir, 'lock.db'));
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    db.close();
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
