import { type CipherGCMTypes, createDecipheriv, createHmac, type Hmac } from 'node:crypto';
import type { Client } from 'ssh2';

/** Fields of ssh2 1.17's deciphers for AES-GCM and AES-CTR, each with its native binding and without. */
interface Reading {
  /** Length of the packet that is being read, and how many bytes after the length have arrived. */
  _len: number;
  _pktLen: number;
  /** Set with the native binding. */
  _instance?: unknown;
  decrypt(data: Buffer, start: number, end: number): number | undefined;
}

/** The length of a packet is not encrypted (RFC 5647, 7.3). */
interface Gcm extends Reading {
  _lenBytes: number;
  _tag: Buffer;
  _tagPos: number;
  /** These four exist without the native binding only. */
  _decipherInstance: unknown;
  _decipherSSLName: string;
  _decipherKey: Buffer;
  _decipherIV: Buffer;
}

interface Ctr extends Reading {
  inSeqno: number;
  /** The first block of a packet, which holds its length, and how many of its bytes have arrived. */
  _block: Buffer;
  _blockPos: number;
  _macETM: boolean;
  _macActualLen: number;
  _macPos: number;
  /** These three exist without the native binding only. */
  _macInstance: Hmac | null;
  _macSSLName: string;
  _macKey: Buffer;
}

const LENGTH_BYTES = 4;
const BLOCK_BYTES = 16;
const TAG_BYTES = 16;
/** ssh2 reads packets longer than this with AES-CTR only, and none above 35,000. */
const SSH2_PACKET_BYTES = 34_980;
/** PACKET_MAX_SIZE of OpenSSH: the largest `Banner` fills one packet. */
const LONG_BYTES = 256 * 1024;

/**
 * Accepts a banner in a packet of more than 35,000 bytes, where ssh2 would end the connection, up to 256 KB in all such
 * packets of a login. Call it after the handshake; call the returned function to restore ssh2's limit.
 */
export function allowLongBanner(client: Client): () => void {
  const { _protocol } = client as unknown as { _protocol: { _decipher: Gcm | Ctr } };
  const decipher = _protocol._decipher;
  const { decrypt } = decipher;
  let left = LONG_BYTES;
  let ended = false;
  let refused: unknown;
  // A stream cipher decrypts the length without the rest of the block, which would be lost when ssh2 throws.
  if (!isGcm(decipher)) decipher._block = Buffer.alloc(LENGTH_BYTES);

  const readLength = (data: Buffer) => {
    try {
      decrypt.call(decipher, data, 0, data.length);
    } catch (error) {
      const { _len } = decipher;
      const besideBlocks = isGcm(decipher) || decipher._macETM ? 0 : LENGTH_BYTES;
      if (!(_len > SSH2_PACKET_BYTES && _len <= left) || (_len + besideBlocks) % BLOCK_BYTES !== 0) {
        refused = error;
        throw error;
      }
      left -= _len;
      beginPacket(decipher);
    }
  };
  /** Passes the length of each packet to ssh2 first, then the rest of the packet. */
  decipher.decrypt = (data, start, end) => {
    let at = start;
    // ssh2 would go on, and allocate a packet of any length.
    if (refused !== undefined) throw refused;
    while (at < end && !ended) {
      const ofLength = missingOfLength(decipher);
      const missing = ofLength || missingOfPacket(decipher);
      // A packet with a wrong MAC was read but not completed.
      if (missing <= 0) throw new Error('Bad packet');
      const piece = data.subarray(at, Math.min(end, at + missing));
      at += piece.length;
      if (ofLength > 0) {
        readLength(piece);
        continue;
      }
      const changed = decrypt.call(decipher, piece, 0, piece.length);
      if (changed !== undefined) return at - piece.length + changed;
    }
    return at < end ? decrypt.call(decipher, data, at, end) : undefined;
  };
  return () => {
    ended = true;
    Reflect.deleteProperty(decipher, 'decrypt');
  };
}

const isGcm = (decipher: Gcm | Ctr): decipher is Gcm => '_tag' in decipher;

const missingOfLength = (decipher: Gcm | Ctr): number =>
  LENGTH_BYTES - (isGcm(decipher) ? decipher._lenBytes : decipher._blockPos);

function missingOfPacket(decipher: Gcm | Ctr): number {
  const mac = isGcm(decipher) ? TAG_BYTES - decipher._tagPos : decipher._macActualLen - decipher._macPos;
  return decipher._len - decipher._pktLen + mac;
}

/** Does what ssh2 does after it has accepted a length. The native binding needs nothing more. */
function beginPacket(decipher: Gcm | Ctr): void {
  if (decipher._instance !== undefined) return;
  if (isGcm(decipher)) {
    const { _decipherSSLName, _decipherKey, _decipherIV } = decipher;
    decipher._decipherInstance = createDecipheriv(
      _decipherSSLName as CipherGCMTypes,
      _decipherKey,
      _decipherIV,
    )
      .setAutoPadding(false)
      .setAAD(uint32(decipher._len));
  } else {
    decipher._macInstance = createHmac(decipher._macSSLName, decipher._macKey)
      .update(uint32(decipher.inSeqno))
      .update(uint32(decipher._len));
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(LENGTH_BYTES);
  bytes.writeUInt32BE(value);
  return bytes;
}
