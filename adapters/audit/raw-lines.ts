import type { FileHandle } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';

/** Bytes between two line feeds. */
export interface RawLine {
  bytes: Buffer;
  /** How long it is, without the line feed. */
  length: number;
  /** From 1. */
  number: number;
  /** With a line feed. Only the last line of a file may lack it. */
  isEnded: boolean;
  /** Longer than any line of ours: only its beginning is in `bytes`. */
  isCut: boolean;
}

/** Our lines have some 500 bytes; the longest, with names of the configuration, a few thousand. */
export const MAX_LINE_BYTES = 64 * 1024;
const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 10;
const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Reads what a file of the audit, compressed or not, has when it is called, and closes it. So a file that grows meanwhile has an
 * end, and a device without one, such as /dev/full, is empty. @throws errors of the file, and of gzip
 */
export async function* bytesOf(handle: FileHandle, packed: boolean, start = 0): AsyncGenerator<Buffer> {
  const { size } = await handle.stat();
  if (start >= size) return await handle.close();
  const input = handle.createReadStream({ highWaterMark: CHUNK_BYTES, start, end: size - 1 });
  if (!packed) return yield* input;
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  input.on('error', (error) => gunzip.destroy(error));
  gunzip.on('close', () => input.destroy());
  yield* input.pipe(gunzip);
}

/** Splits bytes into lines; yields the lines of each chunk together. Needs memory for a chunk and a line. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<RawLine[]> {
  let rest: Buffer = NOTHING;
  let isCut = false;
  /** Bytes of a cut line that are not in `rest`. */
  let dropped = 0;
  let number = 0;
  const take = (bytes: Buffer, isEnded: boolean): RawLine => {
    const length = bytes.length + dropped;
    const line = { bytes, length, number: ++number, isEnded, isCut: isCut || length > MAX_LINE_BYTES };
    isCut = false;
    dropped = 0;
    return line;
  };
  for await (const chunk of chunks) {
    const lines: RawLine[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const piece = chunk.subarray(start, end);
      lines.push(take(rest.length > 0 ? Buffer.concat([rest, piece]) : piece, true));
      rest = NOTHING;
      start = end + 1;
    }
    const piece = chunk.subarray(start);
    if (rest.length + piece.length > MAX_LINE_BYTES) {
      isCut = true;
      dropped += rest.length + piece.length - MAX_LINE_BYTES;
      rest = Buffer.concat([rest, piece]).subarray(0, MAX_LINE_BYTES);
    } else if (piece.length > 0) rest = rest.length > 0 ? Buffer.concat([rest, piece]) : Buffer.from(piece);
    if (lines.length > 0) yield lines;
  }
  if (rest.length > 0) yield [take(rest, false)];
}
