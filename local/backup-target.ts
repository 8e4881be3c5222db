import { lstatSync, realpathSync, type Stats } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { ConfigError } from '../core/errors.ts';
import { explainFiles } from './backup-files.ts';

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

function realFolder(dir: string): string {
  try {
    return realpathSync(dir);
  } catch {
    return resolve(dir);
  }
}
