import type { Algorithms } from 'ssh2';
import { oneLine } from './failure.ts';

/**
 * What we offer to bastions and nodes, cheapest first. ssh2 computes all of it on the event loop, so we offer nothing that
 * lets the server choose how much work that is: no group exchange (ssh2 tests the server's prime, 41 s of CPU for 8,191
 * bits) and no compression of what the server sends (34 KB inflate to 34 MB; for what we send see packed-requests.ts).
 * docs/ssh.md lists the CPU time of each, and which servers we cannot talk to because of this choice.
 */
export const ALGORITHMS = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'diffie-hellman-group14-sha256',
    'diffie-hellman-group16-sha512',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group18-sha512',
  ],
  /** GCM first: hardware computes it, and it needs no HMAC. No chacha20: ssh2 1.17 without its native binding hangs on it under Node 24. */
  cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes256-ctr'],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
} as const satisfies Algorithms;

/** The lists of a server's KEXINIT (RFC 4253, 7.1), unchecked. */
export interface ServerOffer {
  kex: readonly string[];
  hostKey: readonly string[];
  /** Client to server, and server to client. */
  cipher: readonly [readonly string[], readonly string[]];
  mac: readonly [readonly string[], readonly string[]];
  compression: readonly [readonly string[], readonly string[]];
}

/** Names in the lists that are no algorithms: extensions, strict key exchange. */
const PSEUDO = /^(?:ext-info-|kex-strict-)/;
/** RFC 4251, 6: a name has at most 64 characters. */
const NAME_LENGTH = 64;
const LIST_LENGTH = 200;

/** Names the first list without a common algorithm, with the names of both sides. Undefined: all lists have one. */
export function explainMismatch(offer: ServerOffer, hostKeys: readonly string[]): string | undefined {
  const { kex, cipher, hmac, compress } = ALGORITHMS;
  type Wanted = [what: string, theirs: readonly string[], ours: readonly string[]];
  const wanted: Wanted[] = [
    ['key exchange', offer.kex, kex],
    ['type of host key', offer.hostKey, hostKeys],
    ...offer.cipher.map((theirs): Wanted => ['cipher', theirs, cipher]),
    ...offer.mac
      .filter((_, i) => !hasOwnMac(cipher.find((name) => offer.cipher[i]?.includes(name))))
      .map((theirs): Wanted => ['MAC', theirs, hmac]),
    ...offer.compression.map((theirs): Wanted => ['compression', theirs, compress]),
  ];
  const missing = wanted.find(([, theirs, ours]) => !ours.some((name) => theirs.includes(name)));
  if (!missing) return undefined;
  const [what, theirs, ours] = missing;
  const uses = ours.filter((name) => !name.endsWith('@libssh.org')).join(', ');
  return `no common ${what}: it offers ${listOf(theirs)}; bartizan uses ${uses}; see docs/ssh.md`;
}

function hasOwnMac(cipher: string | undefined): boolean {
  return cipher?.includes('gcm') ?? false;
}

/** Bounds and cleans names of a server: they may be many, long, and hold any bytes. */
function listOf(names: readonly string[]): string {
  const real = [...new Set(names)].filter((name) => name !== '' && !PSEUDO.test(name));
  const some: string[] = [];
  for (let length = 0; some.length < real.length; ) {
    const name = oneLine(real[some.length]?.slice(0, NAME_LENGTH) ?? '');
    length += name.length + 2;
    if (length > LIST_LENGTH) break;
    some.push(name);
  }
  const rest = real.length - some.length;
  return `${some.join(', ') || 'nothing'}${rest > 0 ? ` and ${rest} more` : ''}`;
}
