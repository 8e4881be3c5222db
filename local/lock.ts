import { chownSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { explainOpening, isBusyError, isCorruption } from '../adapters/sqlite/errors.ts';
import { DATABASES } from '../adapters/sqlite/integrity.ts';
import { isPresent } from '../adapters/sqlite/presence.ts';
import { ConfigError } from '../core/errors.ts';

const LOCK = 'lock.db';
/** Keeps a reference: garbage collection of a handle closes its database, and releases the lock. */
const held = new Set<DatabaseSync>();

/** How long commands that read state, for a moment, may hold up a start. The event loop waits along. */
const READERS_MS = 5_000;

/**
 * Locks a data folder, and makes sure that nobody uses its state, either: somebody may have removed the file of the lock beside
 * a running process. @throws ConfigError as `lockFolder`
 */
export function lockData(dir: string, readersMs = READERS_MS): { release(): void } {
  const lock = lockFolder(dir);
  try {
    if (isStateInUse(join(dir, DATABASES.state), readersMs)) {
      throw new ConfigError(
        `store.path: another process has ${join(dir, DATABASES.state)} open, although ${LOCK} is free: a bartizan beside which ` +
          'somebody removed that file, or a program that reads state. Stop it (`fuser` names it)',
      );
    }
  } catch (error) {
    lock.release();
    throw error;
  }
  return lock;
}

/**
 * Locks a folder for one process, by an open exclusive transaction, which the system ends with the process however
 * it dies. @throws ConfigError when another process has the folder, or when it cannot be opened or written
 */
export function lockFolder(dir: string): { release(): void } {
  const file = join(dir, LOCK);
  let db: DatabaseSync;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    createFile(dir, file);
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

/** For a folder that cannot be written SQLite only says that it cannot open the file. */
function createFile(dir: string, file: string): void {
  const isNew = !isPresent(file);
  closeSync(openSync(file, 'a', 0o600));
  if (!isNew || process.geteuid?.() !== 0) return;
  // What root creates in the folder of a service, the service must be able to lock.
  const { uid, gid } = statSync(dir);
  chownSync(file, uid, gid);
}

/** Whoever uses a database has a shared lock on it, which excludes the exclusive one. Other errors are for those who open it. */
function isStateInUse(file: string, waitMs: number): boolean {
  if (!isPresent(file)) return false;
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: waitMs });
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    return isBusyError(error);
  } finally {
    db?.close();
  }
}
