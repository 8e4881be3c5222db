import { hostSchema } from '../core/config/field-schemas.ts';
import { nameSchema } from '../core/config/rule-fields.ts';
import { ConfigError } from '../core/errors.ts';
import { quoted } from '../core/text/suggestions.ts';
import { loginName } from './actor.ts';
import { type FirstKey, readFirstKey, usualKey } from './first-key.ts';
import type { Ask } from './first-questions.ts';

/** What a first configuration needs to know. */
export interface FirstAnswers {
  bastion: FirstHost;
  key: FirstKey;
  cluster: string;
  node: FirstHost;
}

interface FirstHost {
  name: string;
  host: string;
  port?: number;
  user: string;
}

export interface Endpoint {
  user?: string;
  host: string;
  port?: number;
}

/** What the options of the command answer. */
export interface GivenAnswers {
  bastion?: Endpoint;
  user?: string;
  key?: string;
  node?: Endpoint;
  cluster: string;
}

const SHAPE = 'write host, host:port or user@host:port';

/** Reads `user@host:port`, where an IPv6 address has brackets if a port follows. @throws ConfigError */
export function parseEndpoint(text: string): Endpoint {
  const trimmed = text.trim();
  const at = trimmed.lastIndexOf('@');
  const user = at < 0 ? undefined : userOf(trimmed.slice(0, at));
  const address = trimmed.slice(at + 1);
  const [, inBrackets, alone, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(address) ?? [];
  const host = inBrackets ?? alone ?? address;
  const problem = hostProblem(host, inBrackets !== undefined || digits !== undefined);
  if (problem !== undefined) throw new ConfigError(`${quoted(text)}: ${problem}; ${SHAPE}`);
  if (digits === undefined) return { host, ...(user !== undefined && { user }) };
  const port = Number(digits);
  if (port < 1 || port > 65_535) throw new ConfigError(`${quoted(text)}: a port is 1 to 65535`);
  return { host, port, ...(user !== undefined && { user }) };
}

function hostProblem(host: string, hasPort: boolean): string | undefined {
  if (host === '') return 'the host is missing';
  const problem = hostSchema.safeParse(host).error?.issues[0]?.message;
  // An IPv6 address has two colons at least.
  return problem ?? (!hasPort && host.split(':').length === 2 ? 'the port is no number' : undefined);
}

/** The user before `@`. @throws ConfigError */
function userOf(text: string): string {
  try {
    return parseUser(text);
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    throw new ConfigError(`${cause.message}; ${SHAPE}`);
  }
}

/** @throws ConfigError */
export function parseUser(text: string): string {
  const user = text.trim();
  if (user === '') throw new ConfigError('the user is missing');
  if (!/^[\p{L}\p{N}_][\p{L}\p{N}._@\\-]*\$?$/u.test(user))
    throw new ConfigError(`${quoted(user)} is no user`);
  return user;
}

/** @throws ConfigError */
export function parseName(text: string): string {
  const problem = nameSchema.safeParse(text).error?.issues[0]?.message;
  if (problem !== undefined) throw new ConfigError(`${quoted(text)}: ${problem}`);
  return text;
}

/**
 * Takes answers from the options, and asks for the others. `file` is the configuration that they are for.
 * @throws ConfigError when the key of the options cannot be used, and what `ask` throws
 */
export async function firstAnswers(given: GivenAnswers, file: string, ask: Ask): Promise<FirstAnswers> {
  const bastion =
    given.bastion ??
    (await ask({ text: 'Bastion (host, or user@host:port)', option: '--bastion', read: parseEndpoint }));
  const user =
    bastion.user ??
    given.user ??
    (await ask({ text: 'User there', option: '--user', ...usualUser(), read: parseUser }));
  const usual = await usualKey();
  const key =
    given.key === undefined
      ? await ask({
          text: 'Private key',
          option: '--key',
          ...(usual !== undefined && { usual }),
          read: (path) => readFirstKey(path, file),
        })
      : await readFirstKey(given.key, file);
  const node =
    given.node ??
    (await ask({
      text: 'A node, as the bastion reaches it (host, or user@host:port)',
      option: '--node',
      read: parseEndpoint,
    }));
  return {
    bastion: { ...bastion, user, name: nameOf(bastion, 'bastion') },
    key,
    cluster: given.cluster,
    node: { ...node, user: node.user ?? given.user ?? user, name: nameOf(node, 'node-1') },
  };
}

/** In a container our own user may be only a number, which is no user of the bastion. */
function usualUser(): { usual?: string } {
  const name = loginName();
  return name.startsWith('uid ') ? {} : { usual: name };
}

/** The first label of a host name; addresses have none. */
function nameOf({ host }: Endpoint, otherwise: string): string {
  const [label = ''] = host.split('.');
  const isAddress = host.includes(':') || /^\d+(\.\d+)*$/.test(host);
  return isAddress || !nameSchema.safeParse(label).success ? otherwise : label;
}
