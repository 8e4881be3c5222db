import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { PermanentError } from '../../core/errors.ts';
import type { RemovalMark } from './chain.ts';
import { bytesOf } from './raw-lines.ts';
import { listRotatedFiles, packedName, type RotatedFile, unfinishedName } from './rotated-files.ts';
import { firstRecord } from './search.ts';

/** What changes the disk, each in a step that a crash may come before or after. */
export interface AuditDisk {
  rename: typeof rename;
  rm: (path: string) => Promise<void>;
}

export const REAL_DISK: AuditDisk = { rename, rm: (path) => rm(path, { force: true }) };

export interface Retention {
  /** Infinity: for ever. */
  keepMs: number;
  maxBytes: number;
}

/** Files that one run removes at most, so that a clock far ahead removes little before somebody sets it right. */
const MOST_REMOVED = 8;

/**
 * Compresses rotated files, then removes the oldest beyond the retention. A mark in the chain says which lines go, and is on disk
 * before them: so a crash leaves too many files, never a gap without its reason. Returns what it did. @throws errors of the disk
 */
export async function maintainAudit(options: {
  file: string;
  retention: Retention;
  nowMs: number;
  /** Lines from this one on stay: state compares the files with it. */
  anchoredSequence: number;
  mark: (mark: RemovalMark) => Promise<void>;
  disk?: AuditDisk;
}): Promise<{ compressed: number; removedFiles: number; removedLines: number }> {
  const { file, retention, nowMs, anchoredSequence, mark, disk = REAL_DISK } = options;
  let compressed = 0;
  for (const rotated of await listRotatedFiles(file)) {
    if (rotated.packed) continue;
    await pack(rotated.path, disk);
    compressed++;
  }
  const files = await listRotatedFiles(file);
  const over = await filesBeyond(file, files, retention, nowMs);
  const removed = over.files.filter(({ last }) => last < anchoredSequence).slice(0, MOST_REMOVED);
  const [oldest] = removed;
  const newest = removed.at(-1);
  if (!oldest || !newest) return { compressed, removedFiles: 0, removedLines: 0 };
  const next = files[removed.length];
  const after = await firstRecord(next?.path ?? file, next?.packed === true);
  // The newest file has no line yet.
  if (!next && (await stat(file)).size === 0) return { compressed, removedFiles: 0, removedLines: 0 };
  // What cannot be read cannot say what came before it. Then nothing is removed: somebody should know first.
  if (after?.sequence !== newest.last + 1 || typeof after.fields.previous !== 'string')
    throw new PermanentError(`${next?.path ?? file} does not begin with line ${newest.last + 1}`);
  const first = (await firstRecord(oldest.path, oldest.packed))?.sequence ?? 1;
  const { last } = newest;
  await mark({ event: 'lines-removed', reason: over.reason, first, last, lastHash: after.fields.previous });
  for (const { path } of removed) await disk.rm(path);
  return { compressed, removedFiles: removed.length, removedLines: last - first + 1 };
}

/** The oldest files that are too old or too much, and why. */
async function filesBeyond(
  file: string,
  files: readonly RotatedFile[],
  { keepMs, maxBytes }: Retention,
  nowMs: number,
): Promise<{ files: RotatedFile[]; reason: RemovalMark['reason'] }> {
  let old = 0;
  while (old < Math.min(files.length, MOST_REMOVED) && nowMs - (await endOf(file, files, old)) > keepMs)
    old++;
  if (old > 0) return { files: files.slice(0, old), reason: 'age' };
  const stats = await Promise.all(files.map(({ path }) => stat(path)));
  let bytes = stats.reduce((sum, { size }) => sum + size, (await stat(file)).size);
  let count = 0;
  for (; bytes > maxBytes && count < files.length; count++) bytes -= stats[count]?.size ?? 0;
  return { files: files.slice(0, count), reason: 'size' };
}

/**
 * When the first line after a rotated file was written. Lines are in the chain; the time of a file is whatever somebody set.
 * A file that cannot be read counts as old: the removal then fails for it, and somebody knows.
 */
async function endOf(file: string, files: readonly RotatedFile[], index: number): Promise<number> {
  const next = files[index + 1];
  const after = await firstRecord(next?.path ?? file, next?.packed === true);
  return after?.endMs ?? (next ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
}

/**
 * Replaces a rotated file by a compressed one with the same time, which has its name only when it is whole, on disk, and was read
 * back. A crash leaves the file, or both.
 */
async function pack(path: string, disk: AuditDisk): Promise<void> {
  const before = await stat(path);
  const unfinished = unfinishedName(path);
  await rm(unfinished, { force: true });
  const hash = createHash('sha256');
  const input = await open(path, 'r');
  const output = createWriteStream(unfinished, { flags: 'wx', mode: before.mode & 0o777, flush: true });
  await pipeline(hashing(bytesOf(input, false), hash), createGzip(), output);
  await utimes(unfinished, before.atime, before.mtime);
  if ((await digestOf(unfinished)) !== hash.digest('hex'))
    throw new PermanentError(`${unfinished} does not have what was written to it`);
  await disk.rename(unfinished, packedName(path));
  await syncFolder(dirname(path));
  await disk.rm(path);
}

async function* hashing(chunks: AsyncIterable<Buffer>, hash: ReturnType<typeof createHash>) {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

async function digestOf(packed: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of bytesOf(await open(packed, 'r'), true)) hash.update(chunk);
  return hash.digest('hex');
}

/** So that the new name is on disk before the old file goes. */
async function syncFolder(path: string): Promise<void> {
  let folder: FileHandle | undefined;
  try {
    folder = await open(path, 'r');
    await folder.sync();
  } finally {
    await folder?.close();
  }
}
