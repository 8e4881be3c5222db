import { readdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A rotated file of an audit. */
export interface RotatedFile {
  path: string;
  /** Sequence of its last line. */
  last: number;
  /** With gzip. */
  packed: boolean;
}

const PACKED = '.gz';

/** Name of a rotated file: `audit.jsonl` that ended with line 1234 becomes `audit.000000001234.jsonl`. */
export function rotatedName(file: string, lastSequence: number): string {
  return file.replace(/(\.\w+)?$/, `.${String(lastSequence).padStart(12, '0')}$1`);
}

/** Name of a rotated file after it was compressed. */
export function packedName(path: string): string {
  return `${path}${PACKED}`;
}

/** Name of a compressed file that is not finished. */
export function unfinishedName(path: string): string {
  return `${packedName(path)}.new`;
}

/**
 * Lists the rotated files that are left, oldest first. A crash may leave a file beside its compressed copy: then it counts as
 * not compressed.
 */
export async function listRotatedFiles(file: string): Promise<RotatedFile[]> {
  const [name, extension] = namesOf(file);
  const files = new Map<number, RotatedFile>();
  for (const candidate of (await namesBeside(file)).sort()) {
    const packed = candidate.endsWith(PACKED);
    const plain = packed ? candidate.slice(0, -PACKED.length) : candidate;
    const number = plain.slice(name.length, plain.length - extension.length);
    if (!plain.startsWith(`${name}.`) || !plain.endsWith(extension) || !/^\.\d{12}$/.test(number)) continue;
    const last = Number(number.slice(1));
    // The plain name comes before the compressed one.
    if (!files.has(last)) files.set(last, { path: join(dirname(file), candidate), last, packed });
  }
  return [...files.values()].sort((a, b) => a.last - b.last);
}

/** The file's own name and extension. */
function namesOf(file: string): [name: string, extension: string] {
  const [name = '', extension = ''] = basename(file).split(/(?=\.\w+$)/);
  return [name, extension];
}

async function namesBeside(file: string): Promise<string[]> {
  return readdir(dirname(file)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return [];
  });
}

/** Path of a new folder for the files of a chain that is not continued: `audit.aside-20260102T030405Z`. */
export async function asideFolder(file: string, nowMs: number): Promise<string> {
  const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const name = `${namesOf(file)[0]}.aside-${stamp}`;
  const taken = new Set(await namesBeside(file));
  let free = name;
  for (let n = 2; taken.has(free); n++) free = `${name}-${n}`;
  return join(dirname(file), free);
}

/** Moves the rotated files and then the file into the folder, under their names. */
export async function moveInto(folder: string, file: string): Promise<void> {
  for (const { path } of await listRotatedFiles(file)) await rename(path, join(folder, basename(path)));
  await rename(file, join(folder, basename(file))).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
