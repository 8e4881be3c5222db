import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemClock } from '../local/clock.ts';

/** Beyond it a reload refuses a file, whatever it says. */
const MOST_BYTES = 64 * 1024 ** 2;
/** A file that was written a moment ago may be written again without another time, as clocks of file systems have ticks. */
const SETTLED_MS = 2_000;

/** The content of a file, and what the file system said of the file before it was read. */
interface Known {
  id: string;
  digest: string;
  isSettled: boolean;
}

/**
 * Hashes the content of a configuration: its file, those that it included when it was read last, and the names in their folders.
 * An included file that is missing or no file is a change, as people remove clusters so. Undefined if the main one is. Files that
 * stay as they are are not read again: there may be thousands, and somebody asks every few seconds.
 */
export function createFingerprint(
  file: string,
  { read = (path: string): Promise<Buffer> => readFile(path), nowMs = systemClock.nowMs } = {},
): (included: readonly string[]) => Promise<string | undefined> {
  let known = new Map<string, Known>();

  /** Undefined for what is missing, too large, or no file: reading a pipe would wait for its writer. */
  async function contentOf(path: string): Promise<Known | undefined> {
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile() || found.size > MOST_BYTES) return undefined;
    const id = [found.dev, found.ino, found.size, found.mtimeMs, found.ctimeMs].join(':');
    const before = known.get(path);
    if (before?.isSettled && before.id === id) return before;
    const isSettled = nowMs() - Math.max(found.mtimeMs, found.ctimeMs) > SETTLED_MS;
    const content = await read(path).catch(() => undefined);
    return content && { id, isSettled, digest: createHash('sha256').update(content).digest('hex') };
  }

  return async (included) => {
    const hash = createHash('sha256');
    const current = new Map<string, Known>();
    for (const path of [file, ...included]) {
      const content = await contentOf(path);
      if (content) current.set(path, content);
      else if (path === file) return undefined;
      hash.update(`${path}\n${content?.digest ?? 'none'}\n`);
    }
    known = current;
    for (const folder of new Set(included.map((path) => dirname(path))))
      hash.update((await readdir(folder).catch(() => [])).sort().join('\n'));
    return hash.digest('hex');
  };
}
