import { createRequire } from 'node:module';
import type { Client } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { allowLongBanner } from './long-banner.ts';

interface Coder {
  allocPacket(payloadBytes: number): Buffer;
  encrypt(packet: Buffer): void;
  decrypt(data: Buffer, start: number, end: number): number | undefined;
}
type Info = Record<string, { keyLen?: number; ivLen?: number; len?: number }>;
const { CIPHER_INFO, MAC_INFO, createCipher, createDecipher } = createRequire(import.meta.url)(
  'ssh2/lib/protocol/crypto.js',
) as {
  CIPHER_INFO: Info;
  MAC_INFO: Info;
  createCipher(config: object): Coder;
  createDecipher(config: object): Coder;
};

const LIMIT = 256 * 1024;
/** The most that a packet of ssh2 has besides its payload. */
const PADDING = 64;

/** A server that sends payloads of these lengths, and the client's decipher. */
function login(cipher: string, mac: string, forceNative: boolean) {
  const { keyLen = 0, ivLen = 0 } = CIPHER_INFO[cipher] ?? {};
  const key = Buffer.alloc(keyLen, 1);
  const macKey = Buffer.alloc(MAC_INFO[mac]?.len ?? 0, 3);
  const iv = () => Buffer.alloc(ivLen, 2);
  const got: number[] = [];
  let sent: Buffer[] = [];
  const macInfo = MAC_INFO[mac];
  const server = createCipher({
    outbound: {
      seqno: 3,
      onWrite: (data: Buffer) => sent.push(Buffer.from(data)),
      cipherInfo: CIPHER_INFO[cipher],
      cipherKey: key,
      cipherIV: iv(),
      macInfo,
      macKey,
      forceNative,
    },
  });
  const decipher = createDecipher({
    inbound: {
      seqno: 3,
      onPayload: (payload: Buffer) => {
        got.push(payload.every((byte) => byte === 7) ? payload.length : -1);
      },
      decipherInfo: CIPHER_INFO[cipher],
      decipherKey: key,
      decipherIV: iv(),
      macInfo,
      macKey,
      forceNative,
    },
  });
  return {
    got,
    end: allowLongBanner({ _protocol: { _decipher: decipher } } as unknown as Client),
    packets: (...lengths: readonly number[]) => {
      sent = [];
      for (const length of lengths) {
        const packet = server.allocPacket(length);
        packet.fill(7, 5, 5 + length);
        server.encrypt(packet);
      }
      return Buffer.concat(sent);
    },
    read: (data: Buffer, pieceBytes = data.length) => {
      for (let at = 0; at < data.length; at += pieceBytes) {
        // A copy, since ssh2 decrypts in place.
        const piece = Buffer.from(data.subarray(at, at + pieceBytes));
        decipher.decrypt(piece, 0, piece.length);
      }
    },
  };
}

const GCM = 'aes128-gcm@openssh.com';
const ETM = 'hmac-sha2-256-etm@openssh.com';

describe.each([
  [GCM, '', false],
  [GCM, '', true],
  ['aes128-ctr', ETM, false],
  ['aes128-ctr', ETM, true],
  ['aes256-ctr', 'hmac-sha2-512', false],
  ['aes256-ctr', 'hmac-sha2-512', true],
])('%s %s, without the native binding: %s', (cipher, mac, forceNative) => {
  const begin = () => login(cipher, mac, forceNative);

  it.each([1, 3, 17, 4_096, LIMIT * 2])('reads a banner of 240 KB in pieces of %i bytes', (pieceBytes) => {
    const { got, packets, read } = begin();
    const lengths = [20, 240 * 1024, 1, 34_000, 100];
    read(packets(...lengths), pieceBytes);
    expect(got).toEqual(lengths);
  });

  it('reads at most 256 KB of long packets', () => {
    const { got, packets, read } = begin();
    read(packets(100_000, 100_000));
    expect(() => read(packets(100_000))).toThrow('Bad packet length');
    expect(() => begin().read(packets(LIMIT + PADDING))).toThrow('Bad packet length');
    expect(got).toEqual([100_000, 100_000]);
  });

  it('reads none after the login', () => {
    const { got, end, packets, read } = begin();
    read(packets(200, 40_000));
    end();
    read(packets(300, 30_000), 999);
    expect(() => read(packets(40_000))).toThrow('Bad packet length');
    expect(got).toEqual([200, 40_000, 300, 30_000]);
  });

  it('does not wait for the end of a packet that does not end with a block', () => {
    const { packets, read } = begin();
    const data = packets(140_000);
    data[3] = (data[3] as number) ^ 1;
    expect(() => read(data.subarray(0, 16))).toThrow('Bad packet length');
  });

  it.each([0, 1, 3, 70_000, -1])('does not read one whose byte %i was changed', (at) => {
    const { got, packets, read } = begin();
    const data = packets(140_000);
    const changed = at < 0 ? data.length - 1 : at;
    data[changed] = (data[changed] as number) ^ 1;
    // With a changed length the packet ends elsewhere, and the rest follows.
    const more = Buffer.alloc(LIMIT);
    expect(() => read(Buffer.concat([data, more]))).toThrow();
    expect(() => read(more)).toThrow();
    expect(got).toEqual([]);
  });
});
