import type { Script } from './command.ts';
import { type LoginKey, lineOf } from './login-key.ts';

/** Text for a file on the server, or the reason why there is none, as the end of a sentence. */
export type ServerText = { text: string } | { none: string };

export interface Endpoint {
  host: string;
  port: number;
}

/** sshd refuses a line with more permits (SSH_AUTHOPT_PERMIT_MAX in OpenSSH's auth-options.c), and reads one line per key. */
const MAX_PERMITS = 4_096;

/** The line of a node reads this much of stdin. All scripts of the catalogue are shorter; the registry's test checks that. */
export const MAX_SCRIPT_BYTES = 65_536;
/** A line that verifies signatures reads this much: `LONGEST_SIGNATURE` and a header beside the script. */
export const MAX_SIGNED_BYTES = MAX_SCRIPT_BYTES + 4_096;

/** Then there must be no line: only `permitopen` forbids other hosts, and a line without any would permit them all. */
export const NOTHING_TO_PERMIT = 'no node is behind it, so there is nothing to permit';

/**
 * The `authorized_keys` line (sshd(8)) with which our key may open connections to these ports of nodes on a bastion, and
 * nothing else. permitopen accepts no networks, so the line lists each node. `restrict` does not forbid commands, hence the forced
 * command; `port-forwarding` permits `-R` again, hence a `permitlisten` that nobody can use. A line cannot forbid
 * listening Unix sockets: `bastionSshdConfig` does.
 */
export function bastionKeyLine(key: LoginKey, endpoints: readonly Endpoint[]): ServerText {
  const permits = permitsOf(endpoints);
  if (permits.length > MAX_PERMITS) {
    const limit = `${permits.length} ports of nodes are behind it, and sshd refuses a line that permits more than ${MAX_PERMITS}`;
    return { none: `${limit}; \`bartizan keys --nft\` confines the user by a firewall on the bastion` };
  }
  return bastionLine(key, permits);
}

/** As `permitopen` and `PermitOpen` take them. */
export function permitsOf(endpoints: readonly Endpoint[]): string[] {
  const permits = endpoints.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`);
  return [...new Set(permits)];
}

/**
 * The line for a bastion whose firewall confines the user to the nodes (`bastionFirewall`): it permits the nodes' ports
 * on any host.
 */
export function firewalledKeyLine(key: LoginKey, nodes: readonly Endpoint[]): ServerText {
  return bastionLine(key, [...new Set(nodes.map(({ port }) => `*:${port}`))]);
}

function bastionLine(key: LoginKey, permits: readonly string[]): ServerText {
  if (permits.length === 0) return { none: NOTHING_TO_PERMIT };
  const options = ['restrict', 'command="exit 1"', ...forwardingTo(permits)];
  return { text: `${options.join(',')} ${lineOf(key.key)} bartizan` };
}

/** `port-forwarding` permits `-R` again, hence a `permitlisten` that nobody can use. */
export function forwardingTo(permits: readonly string[]): string[] {
  return [
    'port-forwarding',
    'permitlisten="localhost:1"',
    ...permits.map((permit) => `permitopen="${permit}"`),
  ];
}

/**
 * The line with which our key may run the given scripts on a node, and nothing else. It runs stdin if its SHA-256 is
 * one of theirs, whatever command the client asked for. `x` keeps the line ends that `$(…)` would drop. An endless input
 * fills no memory: `head` cuts what is longer than any script, and then the hash differs. `forwards` is where checks connect
 * to from the node; such a line lets the key make Unix sockets, so `nodeSshdConfig` must be in place before it.
 */
export function nodeKeyLine(
  key: LoginKey,
  scripts: readonly Pick<Script, 'name' | 'sha256'>[],
  forwards: readonly Endpoint[] = [],
): string {
  const hashes = scripts.map((script) => script.sha256).join('|');
  const verify = [
    `s=$(head -c ${MAX_SCRIPT_BYTES}; echo x); s=\${s%x};`,
    `case $(printf %s "$s" | sha256sum | cut -c1-64) in ${hashes}) printf %s "$s" | exec sh -s;; *) exit 126;; esac`,
  ].join(' ');
  const options = [
    'restrict',
    ...(forwards.length > 0 ? forwardingTo(permitsOf(forwards)) : []),
    `command="${verify.replaceAll('"', '\\"')}"`,
  ];
  return `${options.join(',')} ${lineOf(key.key)} bartizan`;
}
