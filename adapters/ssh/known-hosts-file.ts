import { type FileHandle, open, stat } from 'node:fs/promises';
import { retryConflicts } from '../../core/conflicts.ts';
import { ConfigError, ConflictError } from '../../core/errors.ts';
import { nextTurn } from '../event-loop/turns.ts';
import { replaceFile } from '../files/atomic-write.ts';
import { type HostKey, type PinnedKeys, parseHostKey } from './host-keys.ts';
import { type KnownHosts, parseKnownHosts } from './known-hosts.ts';
import type { HostNames } from './known-hosts-names.ts';

/**
 * Finds the keys of a host: `lines` of the configuration, and those of the file under the host's names. After some work it
 * yields to the event loop: comparing a new name with a thousand hashed lines takes milliseconds.
 */
export type FindPinnedKeys = (lines: readonly string[], names: HostNames) => Promise<PinnedKeys>;

/** How long lookups may work before they yield to the event loop. */
const WORK_MS = 20;

/** Room for a hundred thousand lines. A larger file is no known_hosts. */
const MAX_BYTES = 64 * 1024 ** 2;

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'we may not read it',
  EISDIR: 'it is a folder',
  ELOOP: 'it is a link that leads to itself',
};

/** Reads the file again when it has changed; a missing file holds no keys. `load` throws ConfigError. */
export function createPinnedKeys(path: string): { load(): Promise<FindPinnedKeys> } {
  let loaded: { stamp: string; hosts: KnownHosts } | undefined;
  const parsed = new Map<string, HostKey>();
  const parse = (line: string) => {
    const key = parsed.get(line) ?? parseHostKey(line);
    parsed.set(line, key);
    return key;
  };
  return {
    async load() {
      // Taken before the file is read, so that the next load notices a change in between.
      const stamp = await stampOf(path);
      if (loaded?.stamp !== stamp) loaded = { stamp, hosts: parseKnownHosts(await readKnownHosts(path)) };
      const { hosts } = loaded;
      let sinceMs = performance.now();
      return async (lines, names) => {
        if (performance.now() - sinceMs > WORK_MS) {
          await nextTurn();
          sinceMs = performance.now();
        }
        const keys = hosts.find(names);
        return { ...keys, accepted: [...lines.map(parse), ...keys.accepted] };
      };
    },
  };
}

/** Reads the file as latin1, one character per byte; empty where it does not exist. @throws ConfigError that names it */
export async function readKnownHosts(path: string): Promise<string> {
  return fileErrors(path, async () => {
    // Opening a named pipe would block.
    const stats = await stat(path).catch(ignoreMissing);
    if (!stats) return '';
    if (!stats.isFile()) throw new ConfigError(`${path}: it is not a regular file`);
    const file = await open(path, 'r').catch(ignoreMissing);
    if (!file) return '';
    try {
      return await readAll(file, path);
    } finally {
      await file.close();
    }
  });
}

/**
 * Replaces the file by what `change` returns, in one step: readers see the old file or the new one, also after a crash.
 * Starts again if another program changes the file meanwhile. @throws ConfigError, also from `change`
 */
export async function changeKnownHosts(path: string, change: (text: string) => string): Promise<void> {
  const write = async () => {
    const stamp = await stampOf(path);
    const text = change(await readKnownHosts(path));
    const unchanged = async () => (await stampOf(path)) === stamp;
    const isWritten = await fileErrors(path, () =>
      replaceFile(path, Buffer.from(text, 'latin1'), { unchanged }),
    );
    if (!isWritten) throw new ConflictError(`${path} was changed by another program`);
  };
  await retryConflicts(write, {
    gaveUp: (cause) =>
      new ConfigError(`${path}: another program keeps changing it; run this again when it has stopped`, {
        cause,
      }),
  });
}

async function readAll(file: FileHandle, path: string): Promise<string> {
  const { size } = await file.stat();
  if (size > MAX_BYTES) throw new ConfigError(`${path}: it is too large for known_hosts`);
  return file.readFile('latin1');
}

async function stampOf(path: string): Promise<string> {
  const stats = await fileErrors(path, () => stat(path, { bigint: true }).catch(ignoreMissing));
  return stats ? [stats.ino, stats.mtimeNs, stats.ctimeNs, stats.size].join(':') : 'missing';
}

async function fileErrors<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined || !(code in REASONS)) throw cause;
    throw new ConfigError(`${path}: ${REASONS[code]}`, { cause });
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
