import { type FileHandle, open } from 'node:fs/promises';
import { describeError } from '../../core/errors.ts';
import type { Anchor } from './chain.ts';
import { bytesOf, linesOf, type RawLine } from './raw-lines.ts';
import { listRotatedFiles, type RotatedFile } from './rotated-files.ts';
import { type ChainVerdict, createChainVerifier, type KnownStart } from './verify.ts';

/** What a reader of all files of an audit meets, in order. */
export type ChainPiece =
  | { type: 'lines'; file: string; lines: readonly RawLine[] }
  | { type: 'end'; file: string; isNewest: boolean }
  | { type: 'unreadable'; file: string; detail: string };

/** How often a file that was renamed, compressed or removed just before it was opened is searched for again. */
const MOST_TRIES = 10;

/**
 * Reads the files of an audit, oldest first, also beside the process that writes, rotates, compresses and removes them.
 * Leaves out rotated files that end before `from`.
 */
export async function* readChain(file: string, from = 0): AsyncGenerator<ChainPiece> {
  let through = from - 1;
  /** Lines up to this one were read before their file was rotated. */
  let skipThrough: number | undefined;
  let tries = 0;
  for (;;) {
    // The newest file is opened before the others are listed: what is not listed then was not rotated before.
    const newest = await openIfThere(file);
    const rotated = (await listRotatedFiles(file)).find(({ last }) => last > through);
    if (rotated) await newest?.close();
    const handle = rotated ? await openIfThere(rotated.path) : newest;
    if (rotated && !handle) {
      if (++tries < MOST_TRIES) continue;
      yield { type: 'unreadable', file: rotated.path, detail: 'it is there and cannot be opened' };
      through = rotated.last;
      continue;
    }
    const path = rotated?.path ?? file;
    const seen = handle ? yield* readOne(handle, path, rotated, skipThrough) : undefined;
    skipThrough = undefined;
    if (rotated) {
      yield { type: 'end', file: path, isNewest: false };
      through = rotated.last;
      tries = 0;
      continue;
    }
    const isRotated = (await listRotatedFiles(file)).some(({ last }) => last > through);
    if (!isRotated) return yield { type: 'end', file, isNewest: true };
    // It was rotated while it was read: its rest follows.
    skipThrough = seen;
  }
}

/** Yields the lines, without those up to `skipThrough`; returns the sequence of the last one. */
async function* readOne(
  handle: FileHandle,
  path: string,
  rotated: RotatedFile | undefined,
  skipThrough: number | undefined,
): AsyncGenerator<ChainPiece, number | undefined> {
  let seen = skipThrough;
  try {
    for await (const lines of linesOf(bytesOf(handle, rotated?.packed === true))) {
      const fresh = skipThrough === undefined ? lines : lines.filter((line) => isAfter(line, skipThrough));
      const last = lines.findLast((line) => sequenceOf(line) !== undefined);
      seen = (last && sequenceOf(last)) ?? seen;
      if (fresh.length > 0) yield { type: 'lines', file: path, lines: fresh };
    }
  } catch (error) {
    yield { type: 'unreadable', file: path, detail: describeError(error) };
  }
  return seen;
}

function isAfter(line: RawLine, through: number): boolean {
  const sequence = sequenceOf(line);
  return sequence === undefined || sequence > through;
}

/** Without parsing the line. */
export function sequenceOf({ bytes }: RawLine): number | undefined {
  const found = /^\{"sequence":(\d{1,15}),/.exec(bytes.toString('latin1', 0, 32));
  return found ? Number(found[1]) : undefined;
}

/** Undefined for a file that is not there. */
export async function openIfThere(path: string): Promise<FileHandle | undefined> {
  return open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
}

/**
 * Verifies all files of an audit against what state keeps of it. With `from`, only those with that line and later ones.
 * @throws errors of the folder
 */
export async function verifyAudit(
  file: string,
  options: {
    anchor?: Anchor | undefined;
    starts?: readonly KnownStart[];
    /** Asked after all lines were read: state knows a removal before the file does. */
    removedThrough?: () => Promise<number>;
    from?: number;
  } = {},
): Promise<ChainVerdict> {
  const { anchor, starts, from } = options;
  const verifier = createChainVerifier({
    ...(anchor && { anchor }),
    ...(starts && { starts }),
    isPartial: from !== undefined,
  });
  for await (const piece of readChain(file, from)) {
    if (piece.type === 'lines') verifier.add(piece.lines, piece.file);
    else if (piece.type === 'end') verifier.endFile(piece);
    else verifier.unreadable(piece.file, piece.detail);
  }
  return verifier.finish(file, await options.removedThrough?.());
}
