import { createHash } from 'node:crypto';
import { hostKeyProblem } from '../../core/config/host-key.ts';
import { ConfigError } from '../../core/errors.ts';

export interface HostKey {
  type: string;
  /** As on the wire, in base64; two keys are the same iff these are. */
  base64: string;
}

/** What is known of one host's keys. */
export interface PinnedKeys {
  accepted: readonly HostKey[];
  /** Refused whatever else is pinned (`@revoked` in known_hosts). */
  revoked: readonly HostKey[];
}

export type HostKeyVerdict = 'pinned' | 'changed' | 'unknown' | 'revoked';

/** Reads `type base64 [comment]`. @throws ConfigError */
export function parseHostKey(line: string): HostKey {
  const problem = hostKeyProblem(line);
  if (problem !== undefined) throw new ConfigError(`host key: ${problem}`);
  const [type = '', base64 = ''] = line.trim().split(/\s+/);
  return { type, base64 };
}

/** The key a server showed. Its type is the first string of the blob (RFC 4253, 6.6). */
export function hostKeyOf(blob: Buffer): HostKey {
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  return { type: blob.subarray(4, 4 + length).toString('latin1'), base64: blob.toString('base64') };
}

/** As `ssh-keygen -l` prints it. */
export function fingerprintOf(key: HostKey): string {
  const hash = createHash('sha256').update(Buffer.from(key.base64, 'base64')).digest('base64');
  return `SHA256:${hash.replace(/=+$/, '')}`;
}

/** A host of which one key is pinned and that shows another, of whatever type, has changed. */
export function judgeHostKey(pinned: PinnedKeys, shown: HostKey): HostKeyVerdict {
  if (pinned.revoked.some((key) => key.base64 === shown.base64)) return 'revoked';
  if (pinned.accepted.some((key) => key.base64 === shown.base64)) return 'pinned';
  return pinned.accepted.length > 0 ? 'changed' : 'unknown';
}

const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/**
 * Signature algorithms to offer, those of pinned keys first, so that a server with several keys shows the pinned
 * one. The others stay on offer: a server that lost the pinned key must be seen to have changed.
 */
export function hostKeyAlgorithms(pinned: PinnedKeys): string[] {
  const types = new Set([...pinned.accepted.map((key) => key.type), ...Object.keys(ALGORITHMS)]);
  return [...types].flatMap((type) => ALGORITHMS[type] ?? []);
}
