import { access, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { checkKeyFile } from '../adapters/files/key-file.ts';
import { agentKey } from '../adapters/ssh/login-key.ts';
import { hasPassphrase, parsePrivateKey } from '../adapters/ssh/private-keys.ts';
import { resolvePath } from '../core/config/file-path.ts';
import { hostKeyProblem } from '../core/config/host-key.ts';
import { ConfigError } from '../core/errors.ts';
import { quoted } from '../core/text/suggestions.ts';
import { unreadable } from './config-file.ts';

/** A file as the configuration names it, or the public key (`type base64`) of one that the ssh-agent holds. */
export type FirstKey = { file: string } | { agentHolds: string };

const USUAL = ['~/.ssh/id_ed25519', '~/.ssh/id_ecdsa', '~/.ssh/id_rsa'];
/** A private key is smaller. */
const MOST_BYTES = 65_536;

/** The private key that ssh would take, if there is one. */
export async function usualKey(): Promise<string | undefined> {
  for (const path of USUAL) {
    const found = await access(absolute(path)).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}

/**
 * Checks that we can log in with a private key. `path` starts from the working folder. Of a key with a passphrase, or
 * where the public key is named, the ssh-agent makes the signatures, if it holds the key. @throws ConfigError
 */
export async function readFirstKey(path: string, file: string): Promise<FirstKey> {
  const named = path.trim();
  // They end a reference, or the text around it.
  if (named === '' || /[{}"\\\p{Cc}]/u.test(named))
    throw new ConfigError(`${quoted(path)} is no path that a configuration can name`);
  const full = absolute(named);
  const text = await readKey(full);
  const line = publicLine(text);
  if (line !== undefined && (await isInAgent(line))) return { agentHolds: line };
  let isLocked = false;
  try {
    parsePrivateKey(text, named);
  } catch (error) {
    if (!hasPassphrase(text)) throw error;
    isLocked = true;
  }
  // A public key is for everybody to read, so the mode counts for private ones alone.
  const shared = await checkKeyFile(full, process.env.CREDENTIALS_DIRECTORY);
  if (shared?.problem === 'others')
    throw new ConfigError(
      `${named}: others than its owner may use this private key (mode ${shared.mode}); ${shared.advice}`,
    );
  return isLocked ? { agentHolds: await heldInAgent(full, named) } : { file: asReference(named, file) };
}

async function readKey(full: string): Promise<string> {
  try {
    const found = await stat(full);
    // A pipe or a device may have no end.
    if (!found.isFile() && !found.isDirectory())
      throw new ConfigError(`${full}: it is no file; a configuration refers to one`);
    if (found.size > MOST_BYTES) throw new ConfigError(`${full}: it is no private key: too large`);
    return await readFile(full, 'utf8');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`${full}: ${unreadable(error)}`);
  }
}

/** The public key of a private one with a passphrase. @throws ConfigError with what to do, when the agent does not hold it */
async function heldInAgent(full: string, named: string): Promise<string> {
  const line = publicLine(await readKey(`${full}.pub`).catch(() => ''));
  if (line !== undefined && (await isInAgent(line))) return line;
  const advice =
    line === undefined
      ? `\`ssh-keygen -yf ${named} >${named}.pub\` writes the public key by which an ssh-agent is asked for it, \`ssh-add ${named}\``
      : `\`ssh-add ${named}\``;
  throw new ConfigError(
    `${named}: the private key is protected by a passphrase: ${advice} gives it to your ssh-agent; a service needs a key without passphrase`,
  );
}

/** `type base64`, if the text is a public key. */
function publicLine(text: string): string | undefined {
  const line = text.trim().split(/\s+/).slice(0, 2).join(' ');
  return hostKeyProblem(line) === undefined ? line : undefined;
}

async function isInAgent(line: string): Promise<boolean> {
  const socket = process.env.SSH_AUTH_SOCK;
  if (!socket) return false;
  return agentKey(socket, line).then(
    () => true,
    () => false,
  );
}

/** Relative to the configuration where it is below its folder, so that both can move. */
function asReference(named: string, file: string): string {
  if (isAbsolute(named) || named.startsWith('~/')) return named;
  const path = relative(dirname(resolve(file)), resolve(named));
  return path.startsWith('..') ? resolve(named) : path;
}

function absolute(path: string): string {
  return resolvePath(path, { baseDir: process.cwd(), home: homedir() });
}
