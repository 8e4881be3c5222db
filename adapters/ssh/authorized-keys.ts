import type { Script } from './command.ts';
import { type LoginKey, lineOf } from './login-key.ts';

/**
 * The `authorized_keys` line (sshd(8)) that lets our key into a bastion for nothing but dialling these nodes.
 * permitopen takes no networks, so each node stands there by itself.
 */
export function bastionKeyLine(key: LoginKey, nodes: readonly { host: string; port: number }[]): string {
  const places = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`);
  const permits = [...new Set(places)].map((place) => `permitopen="${place}"`);
  return `${['restrict', 'port-forwarding', ...permits].join(',')} ${lineOf(key.key)} bartizan`;
}

/**
 * The line that lets our key into a node for nothing but the given scripts: what comes on stdin is run if its SHA-256
 * is one of theirs, whatever command was asked for. `x` keeps the line ends that `$(…)` would drop.
 */
export function nodeKeyLine(key: LoginKey, scripts: readonly Script[]): string {
  const hashes = scripts.map((script) => script.sha256).join('|');
  const verify = [
    's=$(cat; echo x); s=${s%x};',
    `case $(printf %s "$s" | sha256sum | cut -c1-64) in ${hashes}) printf %s "$s" | exec sh -s;; *) exit 126;; esac`,
  ].join(' ');
  return `restrict,command="${verify.replaceAll('"', '\\"')}" ${lineOf(key.key)} bartizan`;
}
