import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Name of a rotated file: `audit.jsonl` that ended with line 1234 becomes `audit.000000001234.jsonl`. */
export function rotatedName(file: string, lastSequence: number): string {
  return file.replace(/(\.\w+)?$/, `.${String(lastSequence).padStart(12, '0')}$1`);
}

/** Lists the rotated files that are left, oldest first. */
export async function listRotatedFiles(file: string): Promise<string[]> {
  const [name = '', extension = ''] = basename(file).split(/(?=\.\w+$)/);
  const names = await readdir(dirname(file)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return [];
  });
  const isRotated = (candidate: string) =>
    candidate.startsWith(`${name}.`) &&
    candidate.endsWith(extension) &&
    /^\.\d{12}$/.test(candidate.slice(name.length, candidate.length - extension.length));
  return names
    .filter(isRotated)
    .sort()
    .map((rotated) => join(dirname(file), rotated));
}
