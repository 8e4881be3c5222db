// Who asks: a token, a login of a browser, AWS's signature, or a caller on this machine.

import type { Scope } from '../../core/model/token.ts';
import type { Clock, Logger, Meter, TokenState } from '../../core/ports.ts';
import type { HistoryAppOptions } from '../app.ts';
import { interfaceOf, refuse } from '../interfaces.ts';
import type { Principal } from '../principal.ts';
import { createTokenCheck, type TokenVerdict } from './token-check.ts';

export interface AccessOptions {
  tokens: Pick<TokenState, 'findToken' | 'listTokens' | 'markTokenUsed'>;
  /** What a caller on this machine may do without a token. */
  loopback(): 'none' | Scope;
  /** What callers may do whom AWS has authenticated. */
  iamScope?: Scope;
  /** Logins of people, where they are configured. */
  sessions?: Sessions | undefined;
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

export interface Sessions {
  /** Whose session the cookies of a request are; undefined: they are of none that is valid. */
  principalOf(request: Request): Promise<Principal | undefined>;
  /** Where a browser that asked for a page begins to log in. */
  loginPath(request: Request): string;
  /** The origin that people see: requests of other pages are refused. */
  origin(): string;
}

const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

const REFUSED: Readonly<Record<Extract<TokenVerdict, { kind: 'refused' }>['reason'], string>> = {
  malformed: 'this is no token; `bartizan token add NAME` makes one, which begins with bzt_',
  unknown: 'there is no such token; `bartizan token list` shows those that there are',
  revoked: 'this token was revoked; `bartizan token add NAME` makes another',
  expired: 'this token has expired; `bartizan token add NAME` makes another',
};
const NEEDED = 'this needs a token: `Authorization: Bearer TOKEN`; `bartizan token add NAME` makes one';

export function createAuthenticate(options: AccessOptions): HistoryAppOptions['authenticate'] {
  const { loopback, iamScope = 'read', sessions, meter } = options;
  const tokenCheck = createTokenCheck(options);

  function unauthorized(request: Request, reason: string, message: string): Response {
    meter.count('history_access_refused_total', { reason });
    const response = refuse(pathInterface(request), { status: 401, code: 'unauthorized', message });
    response.headers.set('www-authenticate', 'Bearer realm="bartizan"');
    return response;
  }

  async function byToken(request: Request, text: string, address: string): Promise<Principal | Response> {
    const verdict = await tokenCheck.check(text, address);
    switch (verdict.kind) {
      case 'principal':
        return verdict.principal;
      case 'refused':
        return unauthorized(request, verdict.reason, REFUSED[verdict.reason]);
      case 'wait': {
        meter.count('history_access_refused_total', { reason: 'rate' });
        const retryAfterS = Math.ceil(verdict.waitMs / 1000);
        const message = 'too many tokens from your address were refused; try again later';
        return refuse(pathInterface(request), { status: 429, code: 'too-many-tries', message, retryAfterS });
      }
      case 'unavailable': {
        const message = 'tokens cannot be read now; the log says why. Try again';
        return refuse(pathInterface(request), { status: 503, code: 'unavailable', message, retryAfterS: 5 });
      }
    }
  }

  /** A page of somebody else can make a browser send requests, with its cookies and from this machine. */
  function isOfOtherPage(request: Request): boolean {
    if (SAFE_METHODS.includes(request.method)) return false;
    const origin = request.headers.get('origin');
    if (origin === null) return request.headers.get('sec-fetch-site') === 'cross-site';
    return origin !== new URL(request.url).origin && origin !== sessions?.origin();
  }

  return async (request, caller) => {
    // AWS has verified the header `Authorization` already.
    if (caller.arn !== undefined) return { name: caller.arn, scope: iamScope };
    const shown = request.headers.get('authorization');
    if (shown !== null) {
      const text = tokenIn(shown);
      return text === undefined
        ? unauthorized(request, 'malformed', NEEDED)
        : byToken(request, text, caller.address);
    }
    const session = await sessions?.principalOf(request);
    const local = caller.isLocal ? loopback() : 'none';
    const principal = session ?? (local === 'none' ? undefined : { name: 'loopback', scope: local });
    if (principal === undefined) {
      const path = isPageWanted(request) ? sessions?.loginPath(request) : undefined;
      if (path === undefined) return unauthorized(request, 'missing', NEEDED);
      return new Response(null, { status: 302, headers: { location: path } });
    }
    if (!isOfOtherPage(request)) return principal;
    meter.count('history_access_refused_total', { reason: 'origin' });
    const message = 'this request comes from a page of another site; send a token instead of a login';
    return refuse(pathInterface(request), { status: 403, code: 'other-origin', message });
  };
}

/** `Bearer TOKEN`, or basic authentication with the token as password, for clients that have nothing else. */
function tokenIn(authorization: string): string | undefined {
  const [, scheme = '', value = ''] = /^(bearer|basic) +(\S+)\s*$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme === '') return undefined;
  const text = Buffer.from(value, 'base64').toString('utf8');
  return text.slice(text.indexOf(':') + 1);
}

function isPageWanted({ method, headers }: Request): boolean {
  return method === 'GET' && /\btext\/html\b/.test(headers.get('accept') ?? '');
}

function pathInterface({ url }: Request) {
  return interfaceOf(new URL(url).pathname);
}
