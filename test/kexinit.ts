// The unencrypted start of SSH, written by hand, for servers that ssh2 cannot imitate.
import { randomBytes } from 'node:crypto';

export const string = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([uint32(bytes.length), bytes]);
};

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** A packet without encryption (RFC 4253, 6). */
export function packet(payload: Buffer): Buffer {
  const padding = 4 + ((8 - ((payload.length + 5 + 4) % 8)) % 8);
  return Buffer.concat([
    uint32(payload.length + padding + 1),
    Buffer.from([padding]),
    payload,
    Buffer.alloc(padding),
  ]);
}

export interface Offer {
  kex: string;
  hostKey: string;
  cipher: string;
  mac: string;
  compression: string;
}

/** An offer that has an algorithm in common with ours in each list. */
export const GOOD_OFFER: Offer = {
  kex: 'curve25519-sha256',
  hostKey: 'ssh-ed25519',
  cipher: 'aes128-gcm@openssh.com',
  mac: 'hmac-sha2-256',
  compression: 'none',
};

/** SSH_MSG_KEXINIT */
export function kexInit(changes: Partial<Offer> = {}): Buffer {
  const { kex, hostKey, cipher, mac, compression } = { ...GOOD_OFFER, ...changes };
  const lists = [kex, hostKey, cipher, cipher, mac, mac, compression, compression, '', ''];
  return Buffer.concat([Buffer.from([20]), randomBytes(16), ...lists.map(string), Buffer.alloc(5)]);
}

export const IDENTIFICATION = 'SSH-2.0-OpenSSH_9.9\r\n';
