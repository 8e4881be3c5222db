import type { ServerOffer } from './algorithms.ts';

/** Identification, greetings in front of it and KEXINIT, whose packet has at most 35,000 bytes (RFC 4253, 6.1). */
const LONGEST = 64 * 1024;
const KEXINIT = 20;
/** The lists follow the message type and the cookie. */
const LISTS_AT = 17;

/** Keeps the first bytes of a server, which are clear text: ssh2 does not report what a server offers. */
export interface OfferReader {
  read(chunk: Buffer): void;
  /** Undefined: no complete KEXINIT has come. */
  offer(): ServerOffer | undefined;
  /** Frees the kept bytes. */
  forget(): void;
}

export function createOfferReader(): OfferReader {
  let chunks: Buffer[] = [];
  let left = LONGEST;
  return {
    read(chunk) {
      if (left <= 0) return;
      chunks.push(chunk.subarray(0, left));
      left -= chunk.length;
    },
    offer: () => parseOffer(Buffer.concat(chunks)),
    forget() {
      chunks = [];
      left = 0;
    },
  };
}

/** @returns the first KEXINIT behind the identification, or undefined where there is none or it is malformed */
export function parseOffer(bytes: Buffer): ServerOffer | undefined {
  let at = afterIdentification(bytes);
  while (at !== undefined && at + 6 <= bytes.length) {
    const length = bytes.readUInt32BE(at);
    const end = at + 4 + length;
    if (end > bytes.length) return undefined;
    if (bytes[at + 5] === KEXINIT) return parseLists(bytes.subarray(at + 5 + LISTS_AT, end));
    at = end;
  }
  return undefined;
}

function afterIdentification(bytes: Buffer): number | undefined {
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\n', at);
    if (end < 0) return undefined;
    if (bytes.toString('latin1', at, at + 4) === 'SSH-') return end + 1;
    at = end + 1;
  }
}

function parseLists(bytes: Buffer): ServerOffer | undefined {
  const lists: string[][] = [];
  for (let at = 0; lists.length < 8; ) {
    if (at + 4 > bytes.length) return undefined;
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return undefined;
    lists.push(bytes.toString('utf8', at + 4, end).split(','));
    at = end;
  }
  const [kex, hostKey, cipherOut, cipherIn, macOut, macIn, compressionOut, compressionIn] = lists as [
    string[],
    string[],
    string[],
    string[],
    string[],
    string[],
    string[],
    string[],
  ];
  return {
    kex,
    hostKey,
    cipher: [cipherOut, cipherIn],
    mac: [macOut, macIn],
    compression: [compressionOut, compressionIn],
  };
}
