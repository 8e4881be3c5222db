// The body of an answer as text, unpacked where we asked for gzip.
import { constants, createGunzip } from 'node:zlib';
import { probeError } from '../ssh/failure.ts';
import type { HttpAnswer, HttpRequest, PackedAnswer } from './http-exchange.ts';

const PIECE_BYTES = 64 * 1024;

/**
 * Reads the body. At most `maxBytes` are unpacked, as a packed body may be a thousand times its size; zlib does it on
 * another thread. @throws ProbeError for what is not gzip although it says so
 */
export async function readBody(
  { content, ...answer }: PackedAnswer,
  { gzip = false, maxBytes }: Pick<HttpRequest, 'gzip' | 'maxBytes'>,
): Promise<HttpAnswer> {
  if (!gzip || answer.headers['content-encoding'] !== 'gzip')
    return { ...answer, body: content.toString('utf8') };
  const { unpacked, isCut } = await unpack(content, maxBytes, answer.isCut);
  return { ...answer, body: unpacked.toString('utf8'), isCut: answer.isCut || isCut };
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
