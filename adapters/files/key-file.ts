import { stat } from 'node:fs/promises';
import { isMountedSecret } from './secret-mount.ts';

/** Who besides the owner may access a file, by its mode. */
export type KeyFileAccess = { problem: 'others' | 'group'; mode: string; advice: string } | undefined;

/** OpenSSH's format, PEM, and PuTTY's. */
export function isPrivateKey(content: string): boolean {
  return /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----|^PuTTY-User-Key-File-/.test(content);
}

/**
 * Finds out who besides the owner may read or change a private key. If it is mounted as a Secret or credential, its group is
 * ours. ACLs appear as the group in the mode; it does not read them further.
 * `credentials` is $CREDENTIALS_DIRECTORY. @throws errors of the system
 */
export async function checkKeyFile(path: string, credentials: string | undefined): Promise<KeyFileAccess> {
  const { mode } = await stat(path);
  if ((mode & 0o077) === 0) return undefined;
  const mounted = await isMountedSecret(path, credentials);
  const problem = (mode & 0o007) !== 0 ? 'others' : 'group';
  if (problem === 'group' && mounted) return undefined;
  const advice = mounted
    ? 'give the mount `defaultMode: 0440` (Kubernetes) or `mode: 0400` (Docker)'
    : `run \`chmod 600 ${path}\``;
  return { problem, mode: modeText(mode), advice };
}

/** Formats a mode as `chmod` accepts it: `0644`. */
export function modeText(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
