import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
} from 'node:fs';
import { join, sep } from 'node:path';
import type { IncludedFiles, ReadIncluded, SourceFile } from '../../core/config/include.ts';
import { globMatches } from '../../core/labels.ts';

/**
 * More is a mistake: 30,000 nodes with their host keys have 5 MiB. Reading takes about 150 times as much memory, and nothing else runs
 * meanwhile, so that a file without a limit would end the monitoring.
 */
export const MOST_BYTES = 16 * 1024 ** 2;
const LIMITS = { files: 20_000, bytes: MOST_BYTES };

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  ELOOP: 'its symbolic links lead in a circle',
};

/** A sentence about one file; the pattern that led to it is added later. */
class IncludeError extends Error {}

function refuse(message: string): never {
  throw new IncludeError(message);
}

/**
 * Reads the files that patterns name, below the folder of a configuration. It follows symbolic links, as mounts of Kubernetes consist
 * of them, but not out of the folder. `*` leaves out names that begin with a dot. Named pipes and the like are refused unread.
 * @param folder the folder, with which the names of files begin as well
 */
export function includedFiles(folder: string, limits = LIMITS): ReadIncluded {
  return (patterns) => {
    const files = new Map<string, SourceFile>();
    const problems: IncludedFiles['problems'][number][] = [];
    let bytesLeft = limits.bytes;
    for (const pattern of patterns) {
      const attempt = <T>(read: () => T): T | undefined => {
        try {
          return read();
        } catch (error) {
          if (!(error instanceof IncludeError)) throw error;
          problems.push({ pattern, message: error.message, suggestion: 'correct the pattern or the file' });
          return undefined;
        }
      };
      for (const name of attempt(() => matching(folder, pattern, limits.files)) ?? []) {
        if (files.has(name)) continue;
        if (files.size >= limits.files) {
          attempt(() => refuse(`more than ${limits.files} files are included`));
          break;
        }
        const text = attempt(() => readWithin(folder, name, bytesLeft));
        if (text === undefined) continue;
        bytesLeft -= Buffer.byteLength(text);
        files.set(name, { file: join(folder, name), text });
      }
    }
    const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
    return { files: sorted.map(([, file]) => file), problems };
  };
}

/** The paths that a pattern names, relative to the folder. */
function matching(folder: string, pattern: string, most: number): string[] {
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.');
  let paths = [''];
  parts.forEach((part, depth) => {
    const isLast = depth === parts.length - 1;
    paths = paths.flatMap((path) => {
      if (!/[*?]/.test(part)) return [join(path, part)];
      return entriesOf(join(folder, path))
        .filter(({ name }) => globMatches(part, name) && (!name.startsWith('.') || part.startsWith('.')))
        .filter((entry) => isLast || entry.isDirectory() || entry.isSymbolicLink())
        .map(({ name }) => join(path, name));
    });
    if (paths.length > most) refuse(`\`${pattern}\` matches more than ${most} files`);
  });
  if (paths.length === 0) refuse(`no file matches \`${pattern}\` in ${folder}`);
  return paths.sort();
}

/** Nothing for a folder that is not there, or no folder: other paths of the pattern may match. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    const { code = 'unknown error' } = error as { code?: string };
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return [];
    refuse(
      `the folder ${folder} ${code === 'EACCES' ? 'may not be read by this user' : `cannot be read (${code})`}`,
    );
  }
}

function readWithin(folder: string, name: string, bytesLeft: number): string {
  const path = join(folder, name);
  let descriptor: number | undefined;
  try {
    const real = realpathSync(path);
    if (!real.startsWith(join(realpathSync(folder), sep)))
      refuse(`${path}: a symbolic link leads out of the folder of the configuration`);
    // A pipe without a writer would block the open.
    descriptor = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) refuse(`${path}: it is not a file`);
    if (stat.size > bytesLeft) refuse(`${path}: with it, included files have too many bytes`);
    return textOf(descriptor, stat.size);
  } catch (error) {
    if (error instanceof IncludeError) throw error;
    const { code = 'unknown error' } = error as { code?: string };
    const reason =
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
        ? 'it is not UTF-8'
        : (REASONS[code] ?? `it cannot be read (${code})`);
    throw new IncludeError(`${path}: ${reason}`);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** As many bytes as the file had when it was opened, so that one that grows cannot hold us up. */
function textOf(descriptor: number, size: number): string {
  const bytes = Buffer.alloc(size);
  let filled = 0;
  while (filled < size) {
    const read = readSync(descriptor, bytes, filled, size - filled, filled);
    if (read === 0) break;
    filled += read;
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, filled));
}
