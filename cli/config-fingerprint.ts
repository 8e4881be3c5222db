import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Beyond it a reload refuses a file, whatever it says. */
const MOST_BYTES = 64 * 1024 ** 2;

/**
 * A hash of the content of a configuration: its file, those that it included when it was read last, and the names in their folders.
 * An included file that is missing or no file is a change, as people remove clusters so. Undefined if the main one is.
 */
export async function configFingerprint(
  file: string,
  included: readonly string[],
): Promise<string | undefined> {
  const hash = createHash('sha256');
  for (const path of [file, ...included]) {
    const content = await contentOf(path);
    if (content === undefined && path === file) return undefined;
    hash.update(`${path}\n${content?.length ?? 'none'}\n`).update(content ?? '');
  }
  for (const folder of new Set(included.map((path) => dirname(path))))
    hash.update((await readdir(folder).catch(() => [])).sort().join('\n'));
  return hash.digest('hex');
}

/** Undefined for what is missing, too large, or no file: reading a pipe would wait for its writer. */
async function contentOf(path: string): Promise<Buffer | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile() || found.size > MOST_BYTES) return undefined;
  return await readFile(path).catch(() => undefined);
}
