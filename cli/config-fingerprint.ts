import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A configuration of thirty thousand nodes has a tenth of it. */
const MOST_BYTES = 64 * 1024 ** 2;

/**
 * A hash of the content of a configuration: its file, those that it included when it was read last, and the names in their folders.
 * Undefined if one is missing, too large, or no file: reading a pipe would wait for its writer.
 */
export async function configFingerprint(
  file: string,
  included: readonly string[],
): Promise<string | undefined> {
  const hash = createHash('sha256');
  for (const path of [file, ...included]) {
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile() || found.size > MOST_BYTES) return undefined;
    const content = await readFile(path).catch(() => undefined);
    if (content === undefined) return undefined;
    hash.update(`${path}\n${content.length}\n`).update(content);
  }
  for (const folder of new Set(included.map((path) => dirname(path))))
    hash.update((await readdir(folder).catch(() => [])).sort().join('\n'));
  return hash.digest('hex');
}
