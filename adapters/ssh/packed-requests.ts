import { constants, deflateRawSync } from 'node:zlib';
import type { Client } from 'ssh2';

type Lists = Record<'cipher' | 'mac' | 'compress' | 'lang', { array: readonly string[] }>;
interface Offer {
  lists: {
    kex: { array: readonly string[] };
    serverHostKey: { array: readonly string[] };
    cs: Lists;
    sc: Lists;
  };
}
interface Packer {
  writeSync(payload: Uint8Array): Buffer & { totalLen?: number };
  /** ssh2's own: takes 272 KB for as long as the session lasts. */
  _handle?: { close(): void } | null;
}
/** The fields of ssh2 1.17 that we use. */
interface Internals {
  _protocol: { _offer: Offer; _packetRW: { write: { _zlib?: Packer } } };
}

/** Compression starts after the login only, so that nobody unauthenticated can make us inflate anything. */
const DELAYED = 'zlib@openssh.com';
/** Deflate without a dictionary (RFC 1950, 2.2). */
const ZLIB_HEADER = Buffer.from([0x78, 0x9c]);
/** Each message ends on a byte boundary and has its own window, so that we keep no state in between. A script has 8 KB. */
const DEFLATE = { finishFlush: constants.Z_SYNC_FLUSH, windowBits: 13 };

/**
 * Offers to compress what we send, but not what the server sends: its packets could inflate a thousandfold before we can
 * bound them. ssh2 has one list for both directions. Call it after `client.connect`, before anything arrives.
 */
export function offerPackedRequests(client: Client): void {
  const { _protocol: protocol } = client as unknown as Internals;
  const { kex, serverHostKey, cs, sc } = protocol._offer.lists;
  const arrays = ({ cipher, mac, compress, lang }: Lists) => ({
    cipher: cipher.array,
    mac: mac.array,
    compress: compress.array,
    // ssh2 reads an empty list as one empty name.
    lang: lang.array.filter((name) => name !== ''),
  });
  const KexInit = protocol._offer.constructor as new (lists: unknown) => Offer;
  protocol._offer = new KexInit({
    kex: kex.array,
    serverHostKey: serverHostKey.array,
    cs: { ...arrays(cs), compress: [DELAYED, ...cs.compress.array] },
    sc: arrays(sc),
  });
}

/** Call it after the login: compresses without memory between messages. Does nothing where the server declined compression. */
export function packRequests(client: Client): void {
  const { write } = (client as unknown as Internals)._protocol._packetRW;
  if (write._zlib === undefined) return;
  write._zlib._handle?.close();
  write._zlib = createPacker();
}

function createPacker(): Packer {
  let header: Buffer | undefined = ZLIB_HEADER;
  return {
    writeSync(payload) {
      const deflated = deflateRawSync(payload, DEFLATE);
      const packed: Buffer & { totalLen?: number } = header ? Buffer.concat([header, deflated]) : deflated;
      header = undefined;
      packed.totalLen = packed.length;
      return packed;
    },
  };
}
