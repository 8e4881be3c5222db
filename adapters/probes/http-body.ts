// The body of an answer, unpacked where we asked for gzip.
import { constants, createGunzip, gunzipSync } from 'node:zlib';
import { nextTurn } from '../event-loop/turns.ts';
import { probeError } from '../ssh/failure.ts';
import type { HttpAnswer, HttpRequest, PackedAnswer } from './http-exchange.ts';

const PIECE_BYTES = 64 * 1024;
/** Unpacking so much takes a millisecond or two. Handing it to another thread in pieces takes longer than that. */
const SYNC_BYTES = 512 * 1024;
/** RFC 1952, 2.3.1: gzip ends with the length of the text. */
const LENGTH_BYTES = 4;
const LEAST_CHUNK_BYTES = 1_024;

/**
 * Reads the body. At most `maxBytes` are unpacked, as a packed body may be a thousand times its size; where it is long, zlib
 * does it on another thread. @throws ProbeError for what is not gzip although it says so
 */
export async function readBody(
  answer: PackedAnswer,
  { gzip = false, maxBytes }: Pick<HttpRequest, 'gzip' | 'maxBytes'>,
): Promise<HttpAnswer> {
  if (!gzip || answer.headers['content-encoding'] !== 'gzip') return withText(answer);
  // One turn for each: answers that are short and unpack to much may arrive together.
  await nextTurn();
  const { content, isCut } = answer;
  const whole = isCut ? undefined : unpackNow(content, Math.min(maxBytes, SYNC_BYTES));
  if (whole) return withText({ ...answer, content: whole });
  const long = await unpack(content, maxBytes, isCut);
  return withText({ ...answer, content: long.unpacked, isCut: isCut || long.isCut });
}

function withText(answer: PackedAnswer): HttpAnswer {
  return {
    ...answer,
    get body() {
      return answer.content.toString('utf8');
    },
  };
}

/**
 * Gives the memory of a long body back, so that nobody can read it any more. The engine counts such memory as its own until
 * it collects it, and collects everything whenever some bodies add up: for 300 nodes that took longer than reading them.
 */
export function freeContent({ content: { buffer } }: Pick<HttpAnswer, 'content'>): void {
  // Short ones share their memory with others.
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0);
}

/** Undefined: it is longer than that, or it is no gzip. */
function unpackNow(packed: Buffer, most: number): Buffer | undefined {
  if (packed.length < LENGTH_BYTES || packed.length > most) return undefined;
  const length = packed.readUInt32LE(packed.length - LENGTH_BYTES);
  if (length > most) return undefined;
  try {
    const chunkSize = Math.max(LEAST_CHUNK_BYTES, length + 1);
    return gunzipSync(packed, { chunkSize, maxOutputLength: most });
  } catch {
    return undefined;
  }
}

/** @param goesOn whether the packed bytes end in the middle */
async function unpack(
  packed: Buffer,
  maxBytes: number,
  goesOn: boolean,
): Promise<{ unpacked: Buffer; isCut: boolean }> {
  const gunzip = createGunzip({
    chunkSize: PIECE_BYTES,
    ...(goesOn && { finishFlush: constants.Z_SYNC_FLUSH }),
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  gunzip.end(packed);
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      const left = maxBytes - bytes;
      bytes += chunk.length;
      chunks.push(left < chunk.length ? chunk.subarray(0, left) : chunk);
      if (bytes > maxBytes) break;
    }
  } catch (cause) {
    throw probeError('protocol', 'request', 'its answer says that it is gzip, and is not', { cause });
  }
  return { unpacked: Buffer.concat(chunks), isCut: bytes > maxBytes };
}
