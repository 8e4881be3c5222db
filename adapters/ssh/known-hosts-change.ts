import type { HostKey } from './host-keys.ts';
import { hashedName, hostPatterns, listMatches, lowerCase, readKnownHostsLine } from './known-hosts-line.ts';
import { type HostNames, writtenName } from './known-hosts-names.ts';

/** A key that replaces all keys of a host. */
export interface LearnedKey {
  names: HostNames;
  key: HostKey;
  /**
   * Another host has the same plain name (a bastion, or a node behind another one): lines of the plain name stay, and
   * only `host%bastion` changes.
   */
  sharesPlainName: boolean;
}

/**
 * Returns the text with each learned key as the only key of its host, for us and for OpenSSH, under each of the host's
 * names. It removes a line that names the host alone, hashed or not, and the name from a list; it appends `!name` to a
 * pattern that covers other hosts too. It never writes `@revoked`, which would ban the old key everywhere. All other lines
 * stay as they are.
 */
export function withLearnedKeys(text: string, learned: readonly LearnedKey[]): string {
  const names = new Set(learned.flatMap(namesToForget));
  const lines = text.split('\n').flatMap((line) => {
    const entry = readKnownHostsLine(line);
    if (!entry || entry.revoked) return [line];
    const hosts = withoutNames(entry.hosts, names);
    if (hosts === entry.hosts) return [line];
    return hosts === undefined ? [] : [`${entry.before}${hosts}${entry.after}`];
  });
  const kept = lines.join('\n').replace(/\n$/, '');
  const added = learned.map((host) => `${writtenName(host.names)} ${host.key.type} ${host.key.base64}\n`);
  return `${kept}${kept === '' ? '' : '\n'}${added.join('')}`;
}

function namesToForget({ names: { scoped, plain }, sharesPlainName }: LearnedKey): string[] {
  return [...(scoped === undefined ? [] : [scoped]), ...(sharesPlainName ? [] : [plain])];
}

/** The host patterns without these names; undefined where they would match nothing else. */
function withoutNames(hosts: string, names: ReadonlySet<string>): string | undefined {
  const hashed = hashedName(hosts);
  if (hashed) return [...names].some(hashed) ? undefined : hosts;
  const kept = hosts.split(',').filter((pattern) => !names.has(lowerCase(pattern)));
  const patterns = hostPatterns(kept.join(','));
  // Only a pattern with wildcards needs a negation; names were removed above.
  const denied = patterns.some(({ text, negated }) => !negated && /[*?]/.test(text))
    ? [...names].filter((name) => listMatches(patterns, name)).map((name) => `!${name}`)
    : [];
  if (denied.length === 0 && kept.length === hosts.split(',').length) return hosts;
  return kept.every((pattern) => pattern === '' || pattern.startsWith('!'))
    ? undefined
    : [...kept, ...denied].join(',');
}
