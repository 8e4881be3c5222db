import { setTimeout as sleep } from 'node:timers/promises';
import { isBusyError } from '../adapters/sqlite/errors.ts';
import { lockFolder } from '../local/lock.ts';

/** Commands have these folders only while they write lines. */
const TRIES = 100;
const PAUSE_MS = 100;

/**
 * Locks a folder of the commands, and waits up to ten seconds for others that write there.
 * @throws ConfigError when it stays locked, or cannot be locked at all
 */
export async function lockFolderSoon(dir: string): Promise<{ release(): void }> {
  for (let tried = 1; ; tried++) {
    try {
      return lockFolder(dir);
    } catch (error) {
      if (!isBusyError((error as Error).cause) || tried === TRIES) throw error;
      // Several commands that wait do not try at the same moments.
      await sleep(PAUSE_MS * (0.5 + Math.random()));
    }
  }
}
