// One file for a data folder: a tar of its files, and last a manifest with their checksums. An archive without a manifest
// was cut off.

import { createHash } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError } from '../core/errors.ts';
import { isDataFile } from './data-files.ts';
import { BLOCK_BYTES, decodeHeader, encodeHeader, paddingAfter } from './tar.ts';

const MANIFEST = 'manifest.json';
const CHUNK_BYTES = 1024 * 1024;
/** The most files: a picture for each minute of a year fits. */
const MOST_FILES = 600_000;
const MOST_MANIFEST_BYTES = 128 * 1024 * 1024;
/** A newer archive says so by this number. */
const FORMAT = 1;

const manifestSchema = z.object({
  format: z.number(),
  /** The version of the program that wrote it. */
  program: z.string(),
  takenAtMs: z.number(),
  /** SHA-256 of each file. */
  files: z.record(z.string(), z.string()),
});
export type Manifest = z.output<typeof manifestSchema>;

export interface ArchiveWriter {
  /** Adds as many bytes of the file as it has now; one that grows meanwhile is cut there. */
  add(name: string, path: string): void;
  /** Writes the manifest, and everything to disk. */
  finish(about: { program: string; takenAtMs: number }): void;
  close(): void;
}

/** Begins an archive that only this user may read. The path must be free. */
export function createArchive(path: string, modifiedMs: number): ArchiveWriter {
  const out = openSync(path, 'wx', 0o600);
  const files: Record<string, string> = {};
  const write = (bytes: Buffer) => writeFileSync(out, bytes);
  const pad = (bytes: number) => write(Buffer.alloc(paddingAfter(bytes)));
  return {
    add(name, source) {
      const from = openSync(source, 'r');
      try {
        const { size } = fstatSync(from);
        write(encodeHeader({ name, bytes: size }, modifiedMs));
        files[name] = readChunks(from, 0, size, source, write);
        pad(size);
      } finally {
        closeSync(from);
      }
    },
    finish({ program, takenAtMs }) {
      const text = Buffer.from(
        JSON.stringify({ format: FORMAT, program, takenAtMs, files } satisfies Manifest),
      );
      write(encodeHeader({ name: MANIFEST, bytes: text.length }, modifiedMs));
      write(text);
      pad(text.length);
      write(Buffer.alloc(2 * BLOCK_BYTES));
      fsyncSync(out);
    },
    close: () => closeSync(out),
  };
}

/**
 * Reads an archive to its end and compares every checksum. `onFile` gets each file as it comes, before anybody knows whether
 * the archive is whole, and returns what its bytes go to. @throws ConfigError when the archive is damaged, cut off, not
 * ours or newer
 */
export function readArchive(
  path: string,
  onFile: (name: string) => { write(bytes: Buffer): void; end(): void } = () => NOWHERE,
): Manifest {
  const wrong = (what: string) => new ConfigError(`${path} ${what}`);
  const from = openSync(path, 'r');
  try {
    const { size } = fstatSync(from);
    const sums = new Map<string, string>();
    for (let at = 0; ; ) {
      const header = Buffer.alloc(BLOCK_BYTES);
      const found = decodeHeader(header.subarray(0, readSync(from, header, 0, BLOCK_BYTES, at)));
      if (found === undefined || found === 'end')
        throw wrong(
          at === 0 ? 'is no backup of Bartizan' : 'is damaged or cut off: it has no manifest at its end',
        );
      const { name, bytes } = found;
      at += BLOCK_BYTES;
      if (at + bytes > size) throw wrong(`is cut off in the middle of ${JSON.stringify(name)}`);
      if (name === MANIFEST) return compare(readManifest(from, at, bytes, wrong), sums, wrong);
      if (!isDataFile(name) || sums.has(name) || sums.size >= MOST_FILES)
        throw wrong(`is no backup of Bartizan: it contains ${JSON.stringify(name)}`);
      const target = onFile(name);
      try {
        sums.set(name, readChunks(from, at, bytes, path, target.write));
      } finally {
        target.end();
      }
      at += bytes + paddingAfter(bytes);
    }
  } finally {
    closeSync(from);
  }
}

const NOWHERE = { write() {}, end() {} };

function readManifest(from: number, at: number, bytes: number, wrong: (what: string) => Error): Manifest {
  if (bytes > MOST_MANIFEST_BYTES) throw wrong('is damaged: its manifest is too large');
  const text = Buffer.alloc(bytes);
  readSync(from, text, 0, bytes, at);
  let content: unknown;
  try {
    content = JSON.parse(text.toString('utf8'));
  } catch {
    throw wrong('is damaged: its manifest cannot be read');
  }
  const manifest = manifestSchema.safeParse(content).data;
  if (!manifest) throw wrong('is damaged: its manifest cannot be read');
  if (manifest.format > FORMAT) {
    const { format, program } = manifest;
    throw wrong(
      `was written by a newer bartizan (${program}, format ${format}; this program knows ${FORMAT}): update bartizan`,
    );
  }
  return manifest;
}

function compare(
  manifest: Manifest,
  sums: ReadonlyMap<string, string>,
  wrong: (what: string) => Error,
): Manifest {
  const expected = Object.entries(manifest.files);
  const [different] = expected.find(([name, sum]) => sums.get(name) !== sum) ?? [];
  if (different !== undefined) throw wrong(`is damaged: ${different} is not what was backed up`);
  if (expected.length !== sums.size)
    throw wrong('is damaged: it contains files that its manifest does not name');
  return manifest;
}

/** Gives the bytes of a file in pieces; returns their SHA-256. */
function readChunks(
  from: number,
  start: number,
  bytes: number,
  path: string,
  write: (bytes: Buffer) => void,
) {
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, bytes));
  for (let done = 0; done < bytes; ) {
    const read = readSync(from, chunk, 0, Math.min(chunk.length, bytes - done), start + done);
    if (read === 0) throw new ConfigError(`${path} became shorter while it was read`);
    const piece = chunk.subarray(0, read);
    hash.update(piece);
    write(piece);
    done += read;
  }
  return hash.digest('hex');
}
