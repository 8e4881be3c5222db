import { Hono } from 'hono';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { OidcConfig } from '../../core/model/config.ts';
import { type Behaviour, CLIENT, type Provider, startProvider } from '../../test/oidc-provider.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { createHistoryApp, type HistoryEnv } from '../app.ts';
import type { HistoryPorts } from '../ports.ts';
import { createAuthenticate } from './authenticate.ts';
import { type Browser, login as browserLogin, createBrowser } from './oidc.fixture.ts';
import { createOidc } from './oidc.ts';
import { createIssuer } from './oidc-issuer.ts';

const PUBLIC_URL = 'https://bartizan.example';
const HOUR = 3_600_000;
const GROUPS: OidcConfig['groups'] = [
  { group: 'sre', scope: 'admin' },
  { group: 'acme', scope: 'silence', selector: [{ name: 'customer', op: '=', value: 'acme' }] },
];

let provider: Provider;
let nowMs: number;
let logger: ReturnType<typeof createRecordingLogger>;

beforeAll(async () => {
  provider = await startProvider();
});
afterAll(() => provider.close());
beforeEach(() => {
  provider.behave = { claims: { groups: ['staff', 'acme'], preferred_username: 'ann' } };
  nowMs = Date.now();
  logger = createRecordingLogger();
});

const configOf = (change: Partial<OidcConfig> = {}): OidcConfig => ({
  issuer: provider.issuer,
  clientId: CLIENT.id,
  clientSecret: 'reference',
  scopes: ['openid'],
  groupsClaim: 'groups',
  groups: GROUPS,
  sessionMs: 8 * HOUR,
  ...change,
});

async function serve(change: Partial<OidcConfig> = {}, publicUrl = PUBLIC_URL) {
  const common = {
    clock: { nowMs: () => nowMs },
    logger,
    meter: { count() {}, gauge() {}, observe() {} },
  };
  const { sessions, routes } = await createOidc({
    ...common,
    oidc: configOf(change),
    publicUrl,
    secrets: { resolve: async (text) => (text === 'reference' ? CLIENT.secret : text) },
  });
  const app = createHistoryApp({
    authenticate: createAuthenticate({
      ...common,
      sessions,
      tokens: { findToken: async () => undefined, listTokens: async () => [], markTokenUsed: async () => {} },
      loopback: () => 'none',
    }),
    portsFor: async () => ({}) as HistoryPorts,
    publicRoutes: [routes],
    routes: [new Hono<HistoryEnv>().all('/who', (c) => c.json(c.var.principal))],
  });
  return {
    app,
    browser: createBrowser((request) =>
      app.fetch(request, { caller: { address: '192.0.2.1', isLocal: false } }),
    ),
  };
}

const login = (browser: Browser, path?: string) => browserLogin(provider, browser, path);

const who = async (browser: Browser, init?: RequestInit) => {
  const response = await browser.ask('/who', init);
  return response.status === 200 ? response.json() : response.status;
};

it('a page that needs a login leads to the provider and back; the groups of the person say what it may', async () => {
  const { browser } = await serve();
  const page = await browser.ask('/who?x=1', { headers: { accept: 'text/html' } });
  expect([page.status, page.headers.get('location')]).toEqual([302, '/login?return=%2Fwho%3Fx%3D1']);
  const back = await login(browser, page.headers.get('location') ?? '');
  expect([back.status, back.headers.get('location')]).toEqual([302, '/who?x=1']);
  const [session, ended] = back.headers.getSetCookie();
  expect(session).toMatch(
    /^__Host-bartizan-session=[\w.-]+; Path=\/; Max-Age=28800; HttpOnly; SameSite=Lax; Secure$/,
  );
  expect(ended).toMatch(/^__Host-bartizan-login=; .*Max-Age=0/);
  expect(await who(browser)).toEqual({ name: 'login ann', scope: 'silence', selector: GROUPS[1]?.selector });
});

it('the first configured group counts, a verified address is the name, and one text may be the group', async () => {
  provider.behave.claims = { groups: ['acme', 'sre'], email: 'ann@acme.example', email_verified: true };
  const both = (await serve()).browser;
  await login(both);
  expect(await who(both)).toEqual({ name: 'ann@acme.example', scope: 'admin' });
  provider.behave.claims = { hd: 'acme', email: 'x@acme.example' };
  const one = (await serve({ groupsClaim: 'hd' })).browser;
  await login(one);
  expect(await who(one)).toMatchObject({ name: 'login u1', scope: 'silence' });
});

it('who is in no group gets a page that says so, and no session', async () => {
  for (const claims of [
    {},
    { groups: ['staff'] },
    { groups: { sre: true } },
    { groups: 'sre acme' },
    { groups: [['sre']] },
  ]) {
    provider.behave.claims = { ...claims, preferred_username: '<b>ann' };
    const { browser } = await serve();
    const answer = await login(browser);
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain('You are &lt;b&gt;ann, and in no group that may see this.');
    expect([...browser.cookies.keys()]).not.toContain('__Host-bartizan-session');
  }
  provider.behave.claims = { email: 'ann@acme.example', email_verified: false };
  const { browser } = await serve({
    groupsClaim: 'email',
    groups: [{ group: 'ann@acme.example', scope: 'read' }],
  });
  expect((await login(browser)).status).toBe(403);
});

describe('a provider, or somebody in its name, that', () => {
  it.each<[string, Behaviour]>([
    ['sends another nonce', { claims: { nonce: 'x' } }],
    ['means another client', { claims: { aud: 'other' } }],
    ['is another issuer', { claims: { iss: 'https://evil.example' } }],
    ['sends an expired token', { expiresInS: -300 }],
    ['signs with a key that it does not show', { otherKey: true }],
    ['does not sign', { alg: 'none' }],
    ['signs with the secret of the client', { alg: 'HS256' }],
    ['refuses the code', { tokenAnswer: 'error' }],
    ['sends too much', { tokenAnswer: 'huge' }],
    ['sends no ID token', { tokenAnswer: 'without-id-token' }],
  ])('%s lets nobody in', async (_, behaviour) => {
    const { browser } = await serve();
    provider.behave = { ...behaviour, claims: { groups: ['sre'], ...behaviour.claims } };
    const answer = await login(browser);
    expect(answer.status).toBe(403);
    expect(logger.lines.map(({ message }) => message)).toEqual(['a login failed']);
    expect(JSON.stringify(logger.lines)).not.toContain(CLIENT.secret);
    expect(await who(browser)).toBe(401);
  });

  it.each<Behaviour['discovery']>(['huge', 'other-issuer', 'redirect'])(
    'describes itself wrongly (%s) is a 503',
    async (discovery) => {
      const { browser } = await serve();
      provider.behave = { discovery };
      expect((await browser.ask('/login')).status).toBe(503);
      // The next login asks again.
      provider.behave = { claims: { groups: ['sre'] } };
      expect((await login(browser)).status).toBe(302);
    },
  );

  it('does not answer is given up', async () => {
    provider.behave = { discovery: 'silent' };
    const issuer = createIssuer(configOf(), {
      clientSecret: CLIENT.secret,
      clock: { nowMs: () => nowMs },
      timeoutS: 1,
    });
    await expect(issuer.begin(`${PUBLIC_URL}/login/callback`)).rejects.toThrow();
  });

  it('changes its keys is understood at once', async () => {
    const { browser } = await serve();
    for (let i = 0; i < 3; i++) {
      expect((await login(browser)).status).toBe(302);
      await provider.rotate();
    }
  });
});

describe('the way back', () => {
  it('works once, in the browser that began, within ten minutes, with its own state', async () => {
    const { browser } = await serve();
    const begin = async () =>
      provider.login((await browser.ask('/login')).headers.get('location') ?? '').href;
    const [first, second] = [await begin(), await begin()];
    expect((await browser.ask(first)).status, 'of another login').toBe(403);
    expect((await browser.ask(second)).status).toBe(302);
    expect((await browser.ask(second)).status, 'again').toBe(400);
    const late = await begin();
    nowMs += 601_000;
    expect((await browser.ask(late)).status, 'late').toBe(400);
    const stranger = (await serve()).browser;
    expect((await stranger.ask(await begin())).status, 'elsewhere').toBe(400);
  });

  it('leads to a path of ours alone', async () => {
    for (const [path, leadsTo] of [
      ['//evil.example', '/docs'],
      ['/\\evil.example', '/docs'],
      ['https://evil.example', '/docs'],
      ['/login', '/docs'],
      ['/a%0d%0ax:y', '/docs'],
      ['/v1/status?x=1', '/v1/status?x=1'],
    ] as const) {
      const { browser } = await serve();
      const back = await login(
        browser,
        `/login?return=${path.includes('%') ? path : encodeURIComponent(path)}`,
      );
      expect(back.headers.get('location'), path).toBe(leadsTo);
    }
  });

  it('says what the provider says', async () => {
    const { browser } = await serve();
    const begun = new URL((await browser.ask('/login')).headers.get('location') ?? '');
    const state = begun.searchParams.get('state');
    const answer = await browser.ask(`/login/callback?error=access_denied<&state=${state}`);
    expect([answer.status, await answer.text()]).toEqual([
      403,
      expect.stringContaining('access_denied&lt;.'),
    ]);
  });
});

describe('a session', () => {
  it('ends after its time, and with /logout, which another site cannot ask for', async () => {
    const { browser } = await serve();
    await login(browser);
    const logout = (origin: string) => browser.ask('/logout', { method: 'POST', headers: { origin } });
    expect((await logout('https://evil.example')).status).toBe(403);
    expect(await who(browser)).toMatchObject({ name: 'login ann' });
    expect((await logout(PUBLIC_URL)).status).toBe(200);
    expect(await who(browser)).toBe(401);
    await login(browser);
    nowMs += 8 * HOUR + 1_000;
    expect(await who(browser)).toBe(401);
  });

  it('is of today’s configuration, and of this secret', async () => {
    const { browser } = await serve();
    await login(browser);
    const cookie = browser.cookies.get('__Host-bartizan-session') ?? '';
    const elsewhere = async (change: Partial<OidcConfig>) => {
      const other = (await serve(change)).browser;
      other.cookies.set('__Host-bartizan-session', cookie);
      return who(other);
    };
    expect(await elsewhere({})).toMatchObject({ scope: 'silence' });
    expect(await elsewhere({ groups: [{ group: 'acme', scope: 'read' }] })).toEqual({
      name: 'login ann',
      scope: 'read',
    });
    expect(await elsewhere({ groups: [{ group: 'sre', scope: 'read' }] })).toBe(401);
    expect(await elsewhere({ cookieSecret: 'another secret of at least 32 characters' })).toBe(401);
  });

  it('cannot be made from another cookie, changed, or used by a page of another site to change something', async () => {
    const { browser } = await serve();
    await browser.ask('/login');
    browser.cookies.set('__Host-bartizan-session', browser.cookies.get('__Host-bartizan-login') ?? '');
    expect(await who(browser)).toBe(401);
    await login(browser);
    const [name, value] = ['__Host-bartizan-session', browser.cookies.get('__Host-bartizan-session') ?? ''];
    expect(await who(browser, { method: 'POST', headers: { origin: 'https://evil.example' } })).toBe(403);
    expect(await who(browser, { method: 'POST', headers: { origin: PUBLIC_URL } })).toMatchObject({
      name: 'login ann',
    });
    const at = value.length - 30;
    const changed = `${value.slice(0, at)}${value[at] === 'A' ? 'B' : 'A'}${value.slice(at + 1)}`;
    for (const wrong of [changed, '', 'x', 'eyJhbGciOiJub25lIn0.e30.', value.repeat(50)]) {
      browser.cookies.set(name, wrong);
      expect(await who(browser)).toBe(401);
    }
  });
});

it('a cookie of http has no prefix that browsers keep for https', async () => {
  const { app } = await serve({}, 'http://127.0.0.1:9470');
  const [cookie] = (await app.request('/login')).headers.getSetCookie();
  expect(cookie).toMatch(/^bartizan-login=.*SameSite=Lax$/);
});

it('too many logins from one address wait', async () => {
  const { browser } = await serve();
  const before = provider.requests.length;
  for (let i = 0; i < 30; i++) await browser.ask('/login');
  expect((await browser.ask('/login')).status).toBe(429);
  expect(provider.requests.length - before).toBe(1);
});

it('a secret that is too short to encrypt with is refused', async () => {
  await expect(serve({ clientSecret: 'short' })).rejects.toThrow(
    'server.oidc: sessions need a secret of at least 32 characters; write one as `cookieSecret`',
  );
});
