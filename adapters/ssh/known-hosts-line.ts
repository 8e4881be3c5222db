import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { globMatches } from '../../core/labels.ts';
import type { HostKey } from './host-keys.ts';

/**
 * A line that pins or revokes a key. `before`, `hosts` and `after` joined are the line as written. Texts are bytes
 * (latin1), since OpenSSH compares bytes and a comment need not be UTF-8.
 */
export interface KnownHostsLine {
  before: string;
  /** Host patterns with commas between them, or one hashed name. */
  hosts: string;
  after: string;
  revoked: boolean;
  key: HostKey;
}

/** All types that OpenSSH reads. A key of a type that we cannot use still pins its host: any other key is a change. */
const KEY_TYPE =
  /^(ssh-(ed25519|rsa|dss)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com|.+-cert-v01@openssh\.com)$/;
/** Names of signatures that OpenSSH accepts as the type of a key. */
const ALIASES: Readonly<Record<string, string>> = { 'rsa-sha2-256': 'ssh-rsa', 'rsa-sha2-512': 'ssh-rsa' };
const ED25519_BYTES = 32;

/**
 * Reads a line as OpenSSH 9 does (hostfile.c). Returns undefined for comments, `@cert-authority`, and malformed lines. One
 * difference: OpenSSH ignores `@revoked` followed by a tab; here it revokes.
 */
export function readKnownHostsLine(line: string): KnownHostsLine | undefined {
  const match = /^([ \t]*(?:(@[^ \t]*)[ \t]+)?)([^ \t@#][^ \t]*)([ \t]+([^ \t]+)[ \t]+([^ \t]+).*)$/s.exec(
    line.split('\0', 1)[0] ?? '',
  );
  if (!match) return undefined;
  const [, before = '', marker, hosts = '', after = '', type = '', base64 = ''] = match;
  const key = readKey(ALIASES[type] ?? type, base64.replace(/[\r\v\f]/g, ''));
  if (!key || (marker !== undefined && marker !== '@revoked')) return undefined;
  return { before, hosts, after, revoked: marker !== undefined, key };
}

function readKey(type: string, base64: string): HostKey | undefined {
  const blob = Buffer.from(base64, 'base64');
  if (!KEY_TYPE.test(type) || blob.toString('base64') !== base64) return undefined;
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    const end = at + 4 + (at + 4 <= blob.length ? blob.readUInt32BE(at) : Number.POSITIVE_INFINITY);
    if (end > blob.length) return undefined;
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  if (fields.length < 2 || fields[0]?.toString('latin1') !== type) return undefined;
  if (type === 'ssh-ed25519' && (fields.length !== 2 || fields[1]?.length !== ED25519_BYTES))
    return undefined;
  return { type, base64 };
}

/** A host pattern. `text` is in lower case, without the `!`. */
export interface HostPattern {
  text: string;
  negated: boolean;
}

/** OpenSSH matches nothing when a pattern of the list is longer than its buffer (match.c). */
const LONGEST_PATTERN = 1_022;

/** The patterns of a list, in order; empty where OpenSSH would match nothing. */
export function hostPatterns(hosts: string): HostPattern[] {
  const patterns = hosts.split(',').map((written) => {
    const negated = written.startsWith('!');
    return { text: lowerCase(negated ? written.slice(1) : written), negated };
  });
  return patterns.some(({ text }) => text.length > LONGEST_PATTERN) ? [] : patterns;
}

export function patternMatches({ text }: HostPattern, name: string): boolean {
  return text === name || (/[*?]/.test(text) && globMatches(text, name));
}

/** Whether OpenSSH finds a line with these patterns under a name. */
export function listMatches(patterns: readonly HostPattern[], name: string): boolean {
  const matching = patterns.filter((pattern) => patternMatches(pattern, name));
  return matching.length > 0 && matching.every(({ negated }) => !negated);
}

/** `|1|salt|HMAC-SHA1(salt, name)`, both in base64, the salt of 20 bytes. */
export function hashedName(hosts: string): ((name: string) => boolean) | undefined {
  if (!hosts.startsWith('|')) return undefined;
  const [, version, salt = ''] = hosts.split('|');
  const bytes = Buffer.from(salt, 'base64');
  if (version !== '1' || bytes.length !== 20) return () => false;
  // A key object makes the hash three times as fast. A hash has one name, so a match is remembered.
  const key: KeyObject = createSecretKey(bytes);
  let found: string | undefined;
  return (name) => {
    if (found !== undefined) return name === found;
    const digest = createHmac('sha1', key).update(name, 'latin1').digest('base64');
    if (`|1|${salt}|${digest}` === hosts) found = name;
    return found === name;
  };
}

/** Changes ASCII letters only, as OpenSSH does. */
export function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
