// What a backup and a restore need of the file system.
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError, RetryableError } from '../core/errors.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such folder',
  ENOTDIR: 'its folder is a file',
};

/** The typed error for one of the file system, with the path that it is about; returns others unchanged. */
export function explainFiles(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const about = (error as NodeJS.ErrnoException).path ?? path;
  const cause = { cause: error };
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const words = `no space left in ${dirname(path)}; a backup and a restore need twice the size of the data there`;
    return new RetryableError(words, cause);
  }
  const reason = REASONS[code ?? ''];
  if (reason !== undefined) return new ConfigError(`${about}: ${reason} (${code})`, cause);
  return typeof code === 'string' && /^E[A-Z]+$/.test(code)
    ? new RetryableError(`${about} cannot be read or written (${code})`, cause)
    : error;
}

/** Makes renames in a folder last through a loss of power. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Runs it, unless its file went away meanwhile. */
export function unlessGone(run: () => void): void {
  try {
    run();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
