import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type HostKey, type PinnedKeys, parseHostKey } from './host-keys.ts';
import { type KnownHosts, parseKnownHosts } from './known-hosts.ts';

/** The keys of a host: `lines` of the configuration, and what the file says of it under any of its `names`. */
export type FindPinnedKeys = (lines: readonly string[], names: readonly string[]) => PinnedKeys;

/** Reads the file again when it changed; a file that is not there knows nobody. */
export function createPinnedKeys(path: string): { load(): Promise<FindPinnedKeys> } {
  let seen: { stamp: string; hosts: KnownHosts } | undefined;
  const parsed = new Map<string, HostKey>();
  const parse = (line: string) => {
    const key = parsed.get(line) ?? parseHostKey(line);
    parsed.set(line, key);
    return key;
  };
  return {
    async load() {
      const stats = await stat(path).catch(ignoreMissing);
      const stamp = stats ? `${stats.ino}:${stats.mtimeMs}:${stats.size}` : 'missing';
      if (seen?.stamp !== stamp) {
        seen = { stamp, hosts: parseKnownHosts(stats ? await readKnownHosts(path) : '') };
      }
      const { hosts } = seen;
      return (lines, names) => {
        const { accepted, revoked } = hosts.find(names);
        return { accepted: [...lines.map(parse), ...accepted], revoked };
      };
    },
  };
}

export async function readKnownHosts(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(ignoreMissing)) ?? '';
}

/** Whoever reads meanwhile sees the old file or the new one, also after a crash. */
export async function writeKnownHosts(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.new`;
  const file = await open(temporary, 'w', 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
