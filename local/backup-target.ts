import { closeSync, fsyncSync, lstatSync, openSync, realpathSync, type Stats } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { ConfigError, RetryableError } from '../core/errors.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such folder',
  ENOTDIR: 'its folder is a file',
};

/** The path of a new backup without links in its folder. @throws ConfigError when no backup may be written there */
export function checkTarget(dir: string, file: string, replace: boolean): string {
  const path = resolve(file);
  let folder: string;
  let found: Stats | undefined;
  try {
    folder = realpathSync(dirname(path));
    found = lstatSync(join(folder, basename(path)), { throwIfNoEntry: false });
  } catch (error) {
    throw explainFiles(error, path);
  }
  const target = join(folder, basename(path));
  const data = realFolder(dir);
  if (`${target}${sep}`.startsWith(`${data}${sep}`)) {
    throw new ConfigError(`${file} lies in the data folder, and would be lost with it: choose another place`);
  }
  if (found?.isDirectory()) throw new ConfigError(`${file} is a folder: name a file in it`);
  // The rename would put a file in the place of a device.
  if (found && !found.isFile()) throw new ConfigError(`${file} is a link or a device: name a file`);
  if (found && !replace)
    throw new ConfigError(`${file} exists already; --force replaces it when the new one is whole`);
  return target;
}

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

function realFolder(dir: string): string {
  try {
    return realpathSync(dir);
  } catch {
    return resolve(dir);
  }
}
