import type { Client } from 'ssh2';

interface List {
  buffer: Buffer;
}
type Lists = Record<'cipher' | 'mac' | 'compress' | 'lang', List>;
/** The fields of ssh2 1.17 that we use: what lasts as long as a session and has small buffers. */
interface Internals {
  _protocol: {
    _cipher: object;
    _decipher: object;
    _offer: { lists: { kex: List; serverHostKey: List; cs: Lists; sc: Lists; all: Buffer } };
  };
}

/**
 * Moves the small buffers of a session into memory of their own. Node cuts small buffers from pieces of 64 KB, and a piece
 * lasts as long as any buffer in it: a session that is kept for minutes would hold up to three pieces for a few hundred
 * bytes. Call it after each key exchange, which makes new ones.
 */
export function moveToOwnMemory(client: Client): void {
  const { _protocol: protocol } = client as unknown as Internals;
  const { lists } = protocol._offer;
  const holders = [
    ...[protocol, protocol._cipher, protocol._decipher, lists, lists.kex, lists.serverHostKey],
    ...[...Object.values(lists.cs), ...Object.values(lists.sc)],
  ] as Record<string, unknown>[];
  const shared = holders.flatMap((holder) =>
    Object.entries(holder).flatMap(([key, value]) =>
      Buffer.isBuffer(value) && value.length < value.buffer.byteLength ? [{ holder, key, value }] : [],
    ),
  );
  const own = Buffer.allocUnsafeSlow(shared.reduce((sum, { value }) => sum + value.length, 0));
  let at = 0;
  for (const { holder, key, value } of shared) {
    value.copy(own, at);
    holder[key] = own.subarray(at, at + value.length);
    at += value.length;
  }
}
