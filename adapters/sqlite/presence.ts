import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError } from '../../core/errors.ts';

/**
 * Whether a file of a data folder is there. What this user may not look at is no absence: `up` runs as another user on
 * most machines. @throws ConfigError when nobody can say
 */
export function isPresent(file: string): boolean {
  try {
    statSync(file);
    return true;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ENOENT') return false;
    throw new ConfigError(`store.path: ${obstacle(file, code)}`);
  }
}

/** Why the system lets nobody, or not this user, to a file: of the folder that is in the way, and whose it is. */
export function obstacle(file: string, code: string | undefined): string {
  if (code === 'ENOTDIR') return `${dirname(file)} is no folder, or lies below something that is none`;
  if (code !== 'EACCES') return `${file} cannot be read (${code ?? 'unknown error'})`;
  const mine = process.geteuid?.();
  const { path, uid } = closedFile(file) ?? closedFolder(dirname(file));
  if (uid === mine) return `${path} is closed (EACCES); its mode keeps its owner out`;
  const who = `it belongs to user ${uid}, and this is user ${mine}`;
  return `${path} is closed to this user (EACCES): ${who}; run this as its owner: sudo -u '#${uid}' …`;
}

/** A file that this user may look at and not use, in a folder that is open. */
function closedFile(file: string): { path: string; uid: number } | undefined {
  try {
    return { path: file, uid: statSync(file).uid };
  } catch {
    return undefined;
  }
}

/** The nearest folder that can be looked at: it lets nobody look further. */
function closedFolder(folder: string): { path: string; uid: number } {
  for (let path = folder; ; path = dirname(path)) {
    try {
      return { path, uid: statSync(path).uid };
    } catch (error) {
      if (dirname(path) === path) throw error;
    }
  }
}
