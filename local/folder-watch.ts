import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASES } from '../adapters/sqlite/integrity.ts';
import type { Logger } from '../core/ports.ts';
import type { Sleep } from './clock.ts';
import type { Faults } from './faults.ts';

const EVERY_MS = 10_000;

/** Which file each path of a database led to when the process opened it. */
export type OpenedFiles = ReadonlyMap<string, string>;

/** Called once the databases are open. */
export function identifyDatabases(dir: string): OpenedFiles {
  const opened = new Map<string, string>();
  for (const name of Object.values(DATABASES)) {
    const id = identityOf(join(dir, name));
    if (id !== undefined) opened.set(join(dir, name), id);
  }
  return opened;
}

/** Undefined: no file is there. @throws the error of the system when nobody can say */
function identityOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

/** A path that this user may not look at any more says nothing about the file. */
function isOther(path: string, id: string): boolean {
  try {
    return identityOf(path) !== id;
  } catch {
    return false;
  }
}

/**
 * Compares every ten seconds the files at the paths of the databases with those that the process has open. When somebody
 * removes or moves the folder, SQLite goes on in files without a name: nothing fails, a second process can start there,
 * and everything is lost at the end. Resolves at the abort.
 */
export async function runFolderWatch(options: {
  opened: OpenedFiles;
  faults: Faults;
  logger: Logger;
  sleep: Sleep;
  signal: AbortSignal;
}): Promise<void> {
  const { opened, faults, logger, sleep, signal } = options;
  let known = '';
  while (!signal.aborted) {
    const gone = [...opened].filter(([path, id]) => isOther(path, id)).map(([path]) => path);
    const files = gone.join(', ');
    if (gone.length === 0) faults.clear('data-replaced');
    else
      faults.raise({
        kind: 'reason',
        code: 'data-replaced',
        words: 'databases were removed or replaced under this process: what it stores is lost when it ends',
        detail: files,
      });
    if (files !== known && gone.length > 0)
      logger.error(
        'somebody removed, moved or replaced databases that this process has open: it goes on in files without a name, which are lost ' +
          'when it ends. Stop it, put the data folder back or restore a backup, and start it again',
        { files },
      );
    known = files;
    await sleep(EVERY_MS, signal);
  }
}
