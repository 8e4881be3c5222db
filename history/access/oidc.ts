// People log in with a browser: /login leads to the provider, /login/callback back from there, /logout ends the session.

import { Hono } from 'hono';
import { describeError } from '../../core/errors.ts';
import type { OidcConfig } from '../../core/model/config.ts';
import type { Clock, Logger, Meter } from '../../core/ports.ts';
import type { HistoryEnv } from '../app.ts';
import { ANYBODY } from '../principal.ts';
import type { Sessions } from './authenticate.ts';
import { createFailedTries } from './failed-tries.ts';
import { loginPage } from './login-page.ts';
import { createIssuer, type Issuer, type LoginProof } from './oidc-issuer.ts';
import { type Person, personOf, principalOfPerson } from './oidc-person.ts';
import { type CookieKey, cookieHeader, createCookieKey, readCookie } from './sealed-cookie.ts';

export interface OidcOptions {
  oidc: OidcConfig;
  /** Under which people reach the service, without a slash at the end. */
  publicUrl: string;
  secrets: { resolve(text: string): Promise<string> };
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

/** From the page of the provider to ours. */
const LOGIN_MS = 600_000;
const CALLBACK = '/login/callback';
const HOME = '/docs';

type PublicRoutes = Hono<Pick<HistoryEnv, 'Bindings'>>;

/** @throws ConfigError when the secret of sessions cannot be read, or is too short */
export async function createOidc(
  options: OidcOptions,
): Promise<{ sessions: Sessions; routes: PublicRoutes }> {
  const { oidc, secrets, clock } = options;
  const clientSecret = oidc.clientSecret && (await secrets.resolve(oidc.clientSecret)).trim();
  const cookieSecret = oidc.cookieSecret && (await secrets.resolve(oidc.cookieSecret)).trim();
  const key = createCookieKey(cookieSecret ?? clientSecret ?? '', [
    ...[options.publicUrl, oidc.issuer, oidc.clientId],
  ]);
  const issuer = createIssuer(oidc, { clientSecret, clock });
  const isSecure = options.publicUrl.startsWith('https:');
  const names = cookieNames(isSecure);
  const sessions: Sessions = {
    async principalOf(request) {
      const text = readCookie(request, names.session);
      const content = text && (await key.open('session', text, clock.nowMs()));
      return content ? principalOfPerson(content.person as Person, oidc) : undefined;
    },
    loginPath: ({ url }) =>
      `/login?return=${encodeURIComponent(new URL(url).pathname + new URL(url).search)}`,
    origin: () => new URL(options.publicUrl).origin,
  };
  return { sessions, routes: loginRoutes(options, { issuer, key, names, isSecure }) };
}

/** Browsers take the prefix for a cookie of this host alone, which no other host below the domain can set. */
function cookieNames(isSecure: boolean) {
  const prefix = isSecure ? '__Host-' : '';
  return { session: `${prefix}bartizan-session`, login: `${prefix}bartizan-login` };
}

function loginRoutes(
  { oidc, publicUrl, clock, logger, meter }: OidcOptions,
  own: { issuer: Issuer; key: CookieKey; names: ReturnType<typeof cookieNames>; isSecure: boolean },
): PublicRoutes {
  const { issuer, key, names, isSecure } = own;
  const tries = createFailedTries();
  const cookie = (name: string, value: string, lifetimeMs: number) =>
    cookieHeader(name, value, { isSecure, path: '/', lifetimeMs });

  /** Each login costs the provider some requests. */
  function mayTry(address: string): boolean {
    const nowMs = clock.nowMs();
    if (tries.waitMs(address, nowMs) > 0) return false;
    tries.add(address, nowMs);
    return true;
  }

  function refuse(status: 400 | 403 | 429 | 503, sentence: string, error?: unknown): Response {
    meter.count('history_access_refused_total', { reason: 'login' });
    if (error !== undefined) logger.warn('a login failed', { error: describeError(error) });
    return loginPage(status, sentence);
  }

  async function end(request: Request, address: string): Promise<Response> {
    const sealed = readCookie(request, names.login);
    const begun = sealed && (await key.open('login', sealed, clock.nowMs()));
    if (!begun)
      return refuse(400, 'This login has ended, or began in another browser, or at another address.');
    if (!mayTry(address)) return refuse(429, TOO_MANY);
    const { search, searchParams } = new URL(request.url);
    const refusal = searchParams.get('error');
    if (refusal !== null && searchParams.get('state') === (begun.proof as LoginProof).state)
      return refuse(
        403,
        `The provider let nobody in: ${refusal.slice(0, 100)}.`,
        `the provider says ${refusal}`,
      );
    let person: Person;
    try {
      const claims = await issuer.end(new URL(`${publicUrl}${CALLBACK}${search}`), begun.proof as LoginProof);
      person = personOf(claims, oidc);
    } catch (error) {
      return refuse(403, 'The provider did not confirm who you are; the log says why.', error);
    }
    if (!principalOfPerson(person, oidc))
      return refuse(
        403,
        `You are ${person.name}, and in no group that may see this. \`server.oidc.groups\` lists those that may.`,
      );
    const session = await key.seal('session', { person }, oidc.sessionMs, clock.nowMs());
    return leadTo(pathWithin(begun.returnTo), [
      cookie(names.session, session, oidc.sessionMs),
      cookie(names.login, '', 0),
    ]);
  }

  return new Hono<Pick<HistoryEnv, 'Bindings'>>()
    .get('/login', async (c) => {
      if (!mayTry((c.env?.caller ?? ANYBODY).address)) return refuse(429, TOO_MANY);
      try {
        const { address, proof } = await issuer.begin(`${publicUrl}${CALLBACK}`);
        const returnTo = pathWithin(c.req.query('return'));
        const sealed = await key.seal('login', { proof, returnTo }, LOGIN_MS, clock.nowMs());
        return leadTo(address, [cookie(names.login, sealed, LOGIN_MS)]);
      } catch (error) {
        return refuse(503, 'The provider of logins does not answer; the log says why.', error);
      }
    })
    .get(CALLBACK, (c) => end(c.req.raw, (c.env?.caller ?? ANYBODY).address))
    .post('/logout', (c) => {
      const origin = c.req.header('origin');
      if (origin !== undefined && origin !== new URL(publicUrl).origin)
        return refuse(403, 'A page of another site asked to end this session.');
      const page = loginPage(200, 'You are logged out here. The provider may still know you.');
      page.headers.append('set-cookie', cookie(names.session, '', 0));
      return page;
    });
}

const TOO_MANY = 'There were too many logins from your address; try again in a minute.';

function leadTo(address: string, cookies: readonly string[]): Response {
  const headers = new Headers({ location: address, 'cache-control': 'no-store' });
  for (const one of cookies) headers.append('set-cookie', one);
  return new Response(null, { status: 302, headers });
}

/** A path of ours: a link to `/login` must not lead people elsewhere afterwards. */
function pathWithin(path: unknown): string {
  if (typeof path !== 'string' || path.length > 1_000 || !/^\/(?![/\\])[\x21-\x7e]*$/.test(path)) return HOME;
  return /^\/log(in|out)\b/.test(path) ? HOME : path;
}
