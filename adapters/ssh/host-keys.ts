import { createHash } from 'node:crypto';
import { hostKeyProblem } from '../../core/config/host-key.ts';
import { ConfigError } from '../../core/errors.ts';

export interface HostKey {
  type: string;
  /** The key as the protocol sends it, in base64. Two keys are equal exactly if these texts are. */
  base64: string;
}

/** What the configuration and known_hosts say of one host's keys. */
export interface PinnedKeys {
  accepted: readonly HostKey[];
  /** Refused whatever else is pinned (`@revoked` in known_hosts). */
  revoked: readonly HostKey[];
  /** Keys of the host without its port, where `accepted` is empty: ssh accepts these, and asks about any other. */
  withoutPort?: readonly HostKey[];
}

export type HostKeyVerdict = 'pinned' | 'changed' | 'unknown' | 'revoked';

/** Reads `type base64 [comment]`. @throws ConfigError */
export function parseHostKey(line: string): HostKey {
  const problem = hostKeyProblem(line);
  if (problem !== undefined) throw new ConfigError(`host key: ${problem}`);
  const [type = '', base64 = ''] = line.trim().split(/\s+/);
  return { type, base64 };
}

/** The key that a server presented. Its type is the first string of the blob (RFC 4253, 6.6). */
export function hostKeyOf(blob: Buffer): HostKey {
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  return { type: blob.subarray(4, 4 + length).toString('latin1'), base64: blob.toString('base64') };
}

/** As `ssh-keygen -l` prints it. */
export function fingerprintOf(key: HostKey): string {
  const hash = createHash('sha256').update(Buffer.from(key.base64, 'base64')).digest('base64');
  return `SHA256:${hash.replace(/=+$/, '')}`;
}

/** A host with a pinned key that presents another one has changed, whatever the type of either. */
export function checkHostKey(pinned: PinnedKeys, presented: HostKey): HostKeyVerdict {
  if (pinned.revoked.some((key) => key.base64 === presented.base64)) return 'revoked';
  if (pinned.accepted.some((key) => key.base64 === presented.base64)) return 'pinned';
  if (pinned.accepted.length > 0) return 'changed';
  return pinned.withoutPort?.some((key) => key.base64 === presented.base64) ? 'pinned' : 'unknown';
}

const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/**
 * Signature algorithms to offer. Those of pinned keys come first, so that a server with several keys presents the pinned
 * one. We offer the others too, to detect that a server has lost the pinned key.
 */
export function hostKeyAlgorithms(pinned: PinnedKeys): string[] {
  const { accepted, withoutPort = [] } = pinned;
  const types = new Set([...accepted, ...withoutPort].map((key) => key.type).concat(Object.keys(ALGORITHMS)));
  return [...types].flatMap((type) => ALGORITHMS[type] ?? []);
}
