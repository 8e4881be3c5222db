import type { HostKey, PinnedKeys } from './host-keys.ts';
import {
  type HostPattern,
  hashedName,
  hostPatterns,
  type KnownHostsLine,
  patternMatches,
  readKnownHostsLine,
} from './known-hosts-line.ts';
import type { HostNames } from './known-hosts-names.ts';

export interface KnownHosts {
  /**
   * Finds the keys of a host: of lines that name `host%bastion`, or, where there are none, of lines that name the host. A key
   * is revoked if a line under either name revokes it. See docs/host-keys.md.
   */
  find(names: HostNames): PinnedKeys;
}

type Name = 'scoped' | 'plain';

/**
 * Reads a file as OpenSSH does: host patterns with `*`, `?` and `!`, hashed names, `@revoked`, comments. Skips
 * `@cert-authority` lines and malformed ones.
 */
export function parseKnownHosts(text: string): KnownHosts {
  const byName = new Map<string, KnownHostsLine[]>();
  const others: { line: KnownHostsLine; match: (names: HostNames) => Name | undefined }[] = [];
  for (const line of text.split('\n').flatMap((written) => readKnownHostsLine(written) ?? [])) {
    const { hosts } = line;
    const hashed = hashedName(hosts);
    const patterns = hostPatterns(hosts);
    if (hashed) others.push({ line, match: (names) => hashedMatch(hashed, names) });
    else if (/[*?!]/.test(hosts)) others.push({ line, match: (names) => patternMatch(patterns, names) });
    else
      for (const name of new Set(patterns.map((pattern) => pattern.text)))
        byName.set(name, [...(byName.get(name) ?? []), line]);
  }

  function linesOf(names: HostNames): Record<Name, KnownHostsLine[]> {
    const lines = {
      scoped: names.scoped === undefined ? [] : [...(byName.get(names.scoped) ?? [])],
      plain: [...(byName.get(names.plain) ?? [])],
    };
    for (const { line, match } of others) {
      const name = match(names);
      if (name) lines[name].push(line);
    }
    return lines;
  }

  function findNow(names: HostNames): PinnedKeys {
    const { scoped, plain } = linesOf(names);
    const revoked = keysOf([...scoped, ...plain], true);
    const accepted = [scoped, plain].map((lines) => keysOf(lines, false)).find((keys) => keys.length > 0);
    if (accepted || names.withoutPort === undefined) return { accepted: accepted ?? [], revoked };
    const elsewhere = linesOf({ plain: names.withoutPort }).plain;
    return {
      accepted: [],
      revoked: [...revoked, ...keysOf(elsewhere, true)],
      withoutPort: keysOf(elsewhere, false),
    };
  }

  // Comparing with every hashed name is too slow to repeat in each round.
  const found = new Map<string, PinnedKeys>();
  return {
    find(names) {
      const id = `${names.scoped} ${names.plain}`;
      const keys = found.get(id) ?? findNow(names);
      found.set(id, keys);
      return keys;
    },
  };
}

function keysOf(lines: readonly KnownHostsLine[], revoked: boolean): HostKey[] {
  return lines.filter((line) => line.revoked === revoked).map(({ key }) => key);
}

function hashedMatch(matches: (name: string) => boolean, { scoped, plain }: HostNames): Name | undefined {
  if (scoped !== undefined && matches(scoped)) return 'scoped';
  return matches(plain) ? 'plain' : undefined;
}

/**
 * A pattern applies to `host%bastion` if it has one `%` more than the host itself, and to the host otherwise. So `*` does
 * not outrank a line of the host, and `!host` excludes the host behind every bastion.
 */
function patternMatch(patterns: readonly HostPattern[], { scoped, plain }: HostNames): Name | undefined {
  let match: Name | undefined;
  for (const pattern of patterns) {
    const isForScoped = scoped !== undefined && percents(pattern.text) > percents(plain);
    if (!patternMatches(pattern, isForScoped ? scoped : plain)) continue;
    if (pattern.negated) return undefined;
    match = isForScoped ? 'scoped' : (match ?? 'plain');
  }
  return match;
}

function percents(text: string): number {
  return text.split('%').length - 1;
}
