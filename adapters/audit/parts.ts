import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** `audit.jsonl` ended at that line and became `audit.000000001234.jsonl`. */
export function partName(file: string, lastSequence: number): string {
  return file.replace(/(\.\w+)?$/, `.${String(lastSequence).padStart(12, '0')}$1`);
}

/** Finished parts of an audit that are still there, oldest first. */
export async function listParts(file: string): Promise<string[]> {
  const [name = '', extension = ''] = basename(file).split(/(?=\.\w+$)/);
  const names = await readdir(dirname(file)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return [];
  });
  const isPart = (candidate: string) =>
    candidate.startsWith(`${name}.`) &&
    candidate.endsWith(extension) &&
    /^\.\d{12}$/.test(candidate.slice(name.length, candidate.length - extension.length));
  return names
    .filter(isPart)
    .sort()
    .map((part) => join(dirname(file), part));
}
