import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';
import { ConfigError, describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { Logger, Secrets } from '../core/ports.ts';
import { isRemote } from './request-guard.ts';

export type MetricsSettings = Config['server']['metrics'];

export interface Refusal {
  status: 401 | 403 | 503;
  text: string;
}

export interface MetricsAccess {
  /** Why this request gets no metrics; undefined when it does. */
  refusal(request: IncomingMessage): Promise<Refusal | undefined>;
}

/** Nobody guesses as many characters. */
const LEAST_CHARACTERS = 16;
const MAPPED = /^::ffff:(?=\d+\.)/i;

/**
 * Who may read `/metrics`, and where beside the main address: callers on this machine always, others by the settings, which
 * are read at each request. The address that counts is that of the connection; a header that names another one proves
 * nothing. @throws ConfigError when the token cannot be resolved, or is too short to be one
 */
export async function openMetrics(
  settings: () => MetricsSettings,
  { secrets, logger }: { secrets: Pick<Secrets, 'resolve' | 'redact'>; logger: Logger },
): Promise<{ access: MetricsAccess; metricsListen: NonNullable<MetricsSettings>['listen'] }> {
  /** Why the token could not be read at the last try. */
  let logged: string | undefined;
  let lists: { of: readonly string[]; list: BlockList } | undefined;

  function isListed(address: string, allow: readonly string[]): boolean {
    if (lists?.of !== allow) lists = { of: allow, list: blockList(allow) };
    const plain = address.replace(MAPPED, '');
    return lists.list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
  }

  async function resolveToken(reference: string): Promise<string> {
    const token = (await secrets.resolve(reference)).trim();
    if (token.length >= LEAST_CHARACTERS) return token;
    throw new ConfigError(`server.metrics.token: ${reference} has fewer than ${LEAST_CHARACTERS} characters`);
  }

  const access: MetricsAccess = {
    async refusal(request) {
      if (!isRemote(request)) return undefined;
      const { allow = [], token } = settings() ?? {};
      if (allow.length === 0 && token === undefined)
        return { status: 403, text: 'metrics are served to loopback only; `server.metrics` admits others' };
      if (allow.length > 0 && !isListed(request.socket.remoteAddress ?? '', allow))
        return {
          status: 403,
          text: 'this address may not read metrics; `server.metrics.allow` lists those that may',
        };
      if (token === undefined) return undefined;
      const shown = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
      if (shown === undefined)
        return { status: 401, text: 'metrics need the header `Authorization: Bearer TOKEN`' };
      try {
        const expected = await resolveToken(token);
        logged = undefined;
        if (isEqual(shown, expected)) return undefined;
        return { status: 401, text: 'this is not the token of metrics' };
      } catch (error) {
        const why = secrets.redact(describeError(error));
        // Anybody may ask, as often as they like.
        if (why !== logged) logger.error('the token of metrics cannot be read', { error: why });
        logged = why;
        return { status: 503, text: 'the token of metrics cannot be read; see the log' };
      }
    },
  };
  const { token, listen } = settings() ?? {};
  if (token !== undefined) await resolveToken(token);
  return { access, metricsListen: listen };
}

function blockList(allow: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of allow) {
    const [address = '', prefix] = entry.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

/** In a time that says nothing about where they differ. */
function isEqual(one: string, other: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}
