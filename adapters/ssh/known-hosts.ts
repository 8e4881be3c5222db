import { createHmac } from 'node:crypto';
import { hostKeyProblem } from '../../core/config/host-key.ts';
import { globMatches } from '../../core/labels.ts';
import { type HostKey, type PinnedKeys, parseHostKey } from './host-keys.ts';

interface Entry {
  hosts: string;
  revoked: boolean;
  key: HostKey;
}

export interface KnownHosts {
  /** Keys of a host under the first of its names that has any. A key revoked under one of them is revoked. */
  find(names: readonly string[]): PinnedKeys;
}

/** Host and port as known_hosts writes them (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). */
export function knownHostName(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

/**
 * Names of a node, the one to write first. Networks behind two bastions may use the same addresses, so a node is
 * written as `host%bastion`, in the manner of an IPv6 zone; without such an entry a plain one holds, behind any bastion.
 */
export function knownNodeNames(node: { host: string; port: number; bastion: string }): [string, string] {
  const { host, port, bastion } = node;
  return [knownHostName(`${host}%${bastion}`, port), knownHostName(host, port)];
}

/**
 * Reads a file as OpenSSH does: host patterns with `*`, `?` and `!`, hashed names, `@revoked`, comments. Key types that
 * we cannot use and `@cert-authority` lines are passed over, like lines that are no entry at all.
 */
export function parseKnownHosts(text: string): KnownHosts {
  const byName = new Map<string, Entry[]>();
  const byPattern: { matches: (name: string) => boolean; entry: Entry }[] = [];
  for (const entry of text.split('\n').flatMap(parseLine)) {
    if (entry.hosts.startsWith('|')) byPattern.push({ matches: hashedMatcher(entry.hosts), entry });
    else if (/[*?!]/.test(entry.hosts)) byPattern.push({ matches: patternMatcher(entry.hosts), entry });
    else {
      for (const name of entry.hosts.toLowerCase().split(',')) {
        byName.set(name, [...(byName.get(name) ?? []), entry]);
      }
    }
  }
  return {
    find(names) {
      const found = names.map((name) => [
        ...(byName.get(name) ?? []),
        ...byPattern.filter(({ matches }) => matches(name)).map(({ entry }) => entry),
      ]);
      const keys = (entries: readonly Entry[], revoked: boolean) =>
        entries.filter((entry) => entry.revoked === revoked).map((entry) => entry.key);
      const accepted = found.map((entries) => keys(entries, false)).find((list) => list.length > 0);
      return { accepted: accepted ?? [], revoked: keys(found.flat(), true) };
    },
  };
}

/** The text with each key as the only one of exactly its name; entries that match it by a pattern or hash stay. */
export function withKnownHosts(text: string, keys: ReadonlyMap<string, HostKey>): string {
  const lines = text.split('\n').flatMap((line) => {
    const [hosts = '', ...rest] = line.split(' ');
    const others = hosts.split(',').filter((host) => !keys.has(host.toLowerCase()));
    return others.length === 0 ? [] : [[others.join(','), ...rest].join(' ')];
  });
  const kept = lines.join('\n').replace(/\n$/, '');
  const added = [...keys].map(([name, key]) => `${name} ${key.type} ${key.base64}\n`).join('');
  return `${kept}${kept === '' ? '' : '\n'}${added}`;
}

function parseLine(line: string): Entry[] {
  const fields = line.trim().split(/\s+/);
  if (fields[0] === '' || fields[0]?.startsWith('#')) return [];
  const marker = fields[0]?.startsWith('@') ? fields.shift() : undefined;
  const [hosts = '', type = '', base64 = ''] = fields;
  const keyLine = `${type} ${base64}`;
  if ((marker !== undefined && marker !== '@revoked') || hostKeyProblem(keyLine) !== undefined) return [];
  return [{ hosts, revoked: marker === '@revoked', key: parseHostKey(keyLine) }];
}

function patternMatcher(hosts: string): (name: string) => boolean {
  const patterns = hosts.toLowerCase().split(',');
  const negated = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  const plain = patterns.filter((pattern) => !pattern.startsWith('!'));
  return (name) =>
    plain.some((pattern) => globMatches(pattern, name)) &&
    !negated.some((pattern) => globMatches(pattern, name));
}

/** `|1|salt|HMAC-SHA1(salt, name)`, both in base64. */
function hashedMatcher(hosts: string): (name: string) => boolean {
  const [, version, salt = '', hash] = hosts.split('|');
  if (version !== '1' || salt === '') return () => false;
  const key = Buffer.from(salt, 'base64');
  return (name) => createHmac('sha1', key).update(name).digest('base64') === hash;
}
