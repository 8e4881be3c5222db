import { basename, dirname } from 'node:path';
import { ConfigError, PermanentError, RetryableError } from '../../core/errors.ts';
import { obstacle } from './presence.ts';

// Primary result codes, https://www.sqlite.org/rescode.html
const SQLITE_PERM = 3;
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;
// Extended ones.
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;
const SQLITE_CONSTRAINT_UNIQUE = 2067;
/** Causes of an error that are checked. */
const MOST_CAUSES = 5;

/** The primary result code of an error of node:sqlite, or undefined for any other error. */
function resultCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/** Another process, or connection, holds the lock. */
export function isBusyError(error: unknown): boolean {
  const code = resultCode(error);
  return code === SQLITE_BUSY || code === SQLITE_LOCKED;
}

/** A row with this key is there already: no other constraint, such as that of a type. */
export function isUniqueError(error: unknown): boolean {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return code === SQLITE_CONSTRAINT_UNIQUE || code === SQLITE_CONSTRAINT_PRIMARYKEY;
}

/** A row that is not the JSON we wrote: damage that SQLite does not see. */
class UnreadableRowError extends Error {
  override readonly name = 'UnreadableRowError';
}

/** Parses a row's JSON. Call it within `read` or `write` of a database: their errors name the file. */
export function parseStored<T>(json: string): T {
  try {
    return JSON.parse(json) as T;
  } catch (cause) {
    throw new UnreadableRowError('a row cannot be read', { cause });
  }
}

/** The typed error for one of node:sqlite; returns other errors unchanged. */
export function explainSqliteError(error: unknown, file: string): unknown {
  const cause = { cause: error };
  if (error instanceof UnreadableRowError) return corruptionError(file, error);
  switch (resultCode(error)) {
    case undefined:
      return error;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return new RetryableError(`${file} is locked by another process`, cause);
    case SQLITE_FULL:
      return new RetryableError(`no space left for ${file}`, cause);
    case SQLITE_IOERR:
      return new RetryableError(
        `${file} cannot be read or written: disk full, quota or a failing disk`,
        cause,
      );
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return corruptionError(file, error);
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return new ConfigError(
        `store.path: ${file} cannot be opened for this use; check its owner and mode`,
        cause,
      );
    default:
      return new PermanentError(`${file}: the database refused a statement`, cause);
  }
}

/** The typed error for opening a file, including errors of the file system. */
export function explainOpening(error: unknown, file: string): unknown {
  const { code } = error as { code?: unknown };
  const cause = { cause: error };
  if (code === 'ENOSPC' || code === 'EDQUOT') return new RetryableError(`no space left for ${file}`, cause);
  if (code === 'EROFS') {
    const text = `${dirname(file)} is on a file system that is mounted read-only (EROFS); mount it writable, or choose another path`;
    return new ConfigError(`store.path: ${text}`, cause);
  }
  if (code === 'EMFILE' || code === 'ENFILE')
    return new ConfigError(
      `store.path: ${file} cannot be opened: too many open files (${code}); raise the limit (ulimit -n)`,
      cause,
    );
  if (code === 'EACCES' || code === 'ENOTDIR') return new ConfigError(`store.path: ${obstacle(file, code)}`);
  if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return explainSqliteError(error, file);
  return new ConfigError(
    `store.path: ${file} cannot be opened (${code}); check the folder's owner and mode`,
    cause,
  );
}

function corruptionError(file: string, cause: unknown): ConfigError {
  return new ConfigError(
    `${file} is damaged. Stop bartizan and restore the file from a backup, or put it aside and begin with an empty ` +
      `one: \`bartizan data move-aside ${basename(file, '.db')}\``,
    { cause },
  );
}

/** Whether an error, or one of its causes, means that a database is damaged. */
export function isCorruption(error: unknown): boolean {
  let each = error;
  for (let depth = 0; each !== undefined && each !== null && depth < MOST_CAUSES; depth++) {
    if (each instanceof UnreadableRowError) return true;
    const code = resultCode(each);
    if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) return true;
    each = (each as { cause?: unknown }).cause;
  }
  return false;
}
