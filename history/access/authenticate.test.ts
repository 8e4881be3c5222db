import { beforeEach, expect, it } from 'vitest';
import type { StoredToken } from '../../core/model/token.ts';
import type { StateStore } from '../../core/ports.ts';
import { T0 } from '../../test/contract/state-fixtures.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { ANYBODY, type Caller, type Principal } from '../principal.ts';
import { type AccessOptions, createAuthenticate, type Sessions } from './authenticate.ts';
import { createToken } from './token.ts';

const HOUR = 3_600_000;

let state: StateStore;
let nowMs: number;
let refused: string[];
let reads: number;
let authenticate: ReturnType<typeof createAuthenticate>;
let logger: ReturnType<typeof createRecordingLogger>;

const create = (change: Partial<AccessOptions> = {}) =>
  createAuthenticate({
    tokens: {
      async findToken(id) {
        reads++;
        return state.findToken(id);
      },
      async listTokens() {
        reads++;
        return state.listTokens();
      },
      markTokenUsed: (id, atMs) => state.markTokenUsed(id, atMs),
    },
    loopback: () => 'read',
    clock: { nowMs: () => nowMs },
    logger,
    meter: {
      count: (_, ...rest) => refused.push(Object.values(rest[0] ?? {}).join()),
      gauge() {},
      observe() {},
    },
    ...change,
  });

beforeEach(() => {
  state = createMemoryState();
  nowMs = T0;
  refused = [];
  reads = 0;
  logger = createRecordingLogger();
  authenticate = create();
});

async function addToken(change: Partial<StoredToken> = {}): Promise<string> {
  const { text, id, hash } = createToken();
  await state.putToken({
    id,
    hash,
    name: 'grafana',
    scope: 'read',
    createdAtMs: T0,
    author: 'ann',
    ...change,
  });
  return text;
}

const LOCAL: Caller = { address: '127.0.0.1', isLocal: true };
const REMOTE: Caller = { address: '192.0.2.7', isLocal: false };

interface Asked {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  caller?: Caller;
}

const ask = ({ path = '/api/v1/query', method = 'GET', headers = {}, caller = REMOTE }: Asked) =>
  authenticate(new Request(`http://bartizan.example${path}`, { method, headers }), caller);
const withToken = (text: string, caller = REMOTE) =>
  ask({ headers: { authorization: `Bearer ${text}` }, caller });

/** The status, and the whole text of a refusal. */
async function refusal(answer: Principal | Response): Promise<[number, string]> {
  if (!(answer instanceof Response)) throw new Error(`${answer.name} was let in`);
  return [answer.status, await answer.text()];
}

it('a token is shown as bearer, or as the password of basic authentication', async () => {
  const selector = [{ name: 'cluster', op: '=', value: 'a' }] as const;
  const text = await addToken({ scope: 'silence', selector });
  const basic = `Basic ${Buffer.from(`any:${text}`).toString('base64')}`;
  for (const authorization of [`Bearer ${text}`, `bearer  ${text}`, basic])
    expect(await ask({ headers: { authorization } })).toEqual({
      name: 'token grafana',
      scope: 'silence',
      selector,
    });
});

it('without one there is a 401 that says what to do, in the form of the interface', async () => {
  const [status, text] = await refusal(await ask({}));
  expect([status, JSON.parse(text)]).toEqual([
    401,
    { status: 'error', errorType: 'bad_data', error: expect.stringContaining('bartizan token add') },
  ]);
  const answer = (await ask({ path: '/v1/alerts' })) as Response;
  expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="bartizan"');
  expect(await answer.json()).toMatchObject({ error: { code: 'unauthorized' } });
  expect(refused).toEqual(['missing', 'missing']);
});

it('refuses tokens that are malformed, unknown, of another secret, revoked or expired; none is in the answer', async () => {
  const valid = await addToken();
  const revoked = await addToken({ revokedAtMs: T0 - 1 });
  const expired = await addToken({ expiresAtMs: T0 });
  const other = `${valid.slice(0, -1)}${valid.endsWith('A') ? 'B' : 'A'}`;
  for (const [text, reason] of [
    ['bzt_x', 'malformed'],
    [createToken().text, 'unknown'],
    [other, 'unknown'],
    [revoked, 'revoked'],
    [expired, 'expired'],
    // An attacker who knows the id learns nothing of the token.
    [`${revoked.slice(0, 21)}${'A'.repeat(43)}`, 'unknown'],
  ] as const) {
    const [status, answer] = await refusal(await withToken(text, LOCAL));
    expect([status, refused.pop()], text).toEqual([401, reason]);
    expect(answer).not.toContain(text.slice(4, 30));
  }
  for (const authorization of ['Digest x', 'Bearer', 'Bearer a b', 'Basic %%%', 'Bearer \u00ff'])
    expect((await refusal(await ask({ headers: { authorization } })))[0]).toBe(401);
});

it('a token that was revoked is refused within five seconds, and state is not read for each request', async () => {
  const text = await addToken();
  for (let i = 0; i < 100; i++) await withToken(text);
  expect(reads).toBe(1);
  await state.revokeToken(text.slice(4, 20), nowMs);
  nowMs += 5_000;
  expect((await refusal(await withToken(text)))[1]).toContain('revoked');
});

it('a clock that was set back makes no token valid for longer', async () => {
  const text = await addToken();
  await withToken(text);
  await state.revokeToken(text.slice(4, 20), nowMs);
  nowMs -= HOUR;
  expect((await refusal(await withToken(text)))[1]).toContain('revoked');
});

it('its use is kept once an hour, and nobody waits for that', async () => {
  const marked: number[] = [];
  authenticate = create({
    tokens: {
      findToken: (id) => state.findToken(id),
      listTokens: () => state.listTokens(),
      markTokenUsed: (_, atMs) => {
        marked.push(atMs - T0);
        return marked.length === 1 ? Promise.reject(new Error('the disk is full')) : new Promise(() => {});
      },
    },
  });
  const text = await addToken({ lastUsedAtMs: T0 - HOUR });
  for (const minute of [0, 1, 30, 59, 60, 61, 119, 121]) {
    nowMs = T0 + minute * 60_000;
    expect(await withToken(text)).toMatchObject({ name: 'token grafana' });
  }
  expect(marked).toEqual([0, 60 * 60_000, 121 * 60_000]);
  expect(logger.lines.map(({ message }) => message)).toContain('the use of a token was not kept');
});

it('an address with many refused tokens waits; others, and right tokens from there, do not', async () => {
  const v6 = (host: string): Caller => ({ address: `2001:db8:1:2::${host}`, isLocal: false });
  for (const one of [REMOTE, v6('1')]) {
    const [known, fresh] = [await addToken(), await addToken()];
    await withToken(known, one);
    nowMs += 10_000;
    for (let i = 0; i < 20; i++)
      await withToken(createToken().text, one.address.includes(':') ? v6(`${i}`) : one);
    reads = 0;
    for (let i = 0; i < 100; i++) {
      const wrong = i % 2 === 0 ? createToken().text : `${fresh.slice(0, 21)}${'A'.repeat(43)}`;
      const answer = (await withToken(wrong, one)) as Response;
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '6']);
    }
    expect(await withToken(fresh, one)).toMatchObject({ name: 'token grafana' });
    expect(reads).toBe(1);
    expect(await withToken(known, one)).toMatchObject({ name: 'token grafana' });
    expect(await withToken(fresh, { address: '192.0.2.8', isLocal: false })).toMatchObject({ scope: 'read' });
    nowMs += 6_000;
    expect((await refusal(await withToken(createToken().text, one)))[0]).toBe(401);
    expect((await refusal(await withToken(createToken().text, one)))[0]).toBe(429);
    nowMs += HOUR;
  }
});

it('state that does not answer is a 503', async () => {
  authenticate = create({
    tokens: {
      findToken: () => Promise.reject(new Error('no connection')),
      listTokens: async () => [],
      markTokenUsed: async () => {},
    },
  });
  expect(await refusal(await withToken(createToken().text))).toEqual([
    503,
    expect.stringContaining('cannot be read'),
  ]);
});

it('callers on this machine need no token, as far as the configuration says; a wrong token is wrong there too', async () => {
  expect(await ask({ caller: LOCAL })).toEqual({ name: 'loopback', scope: 'read' });
  expect((await refusal(await withToken(createToken().text, LOCAL)))[0]).toBe(401);
  expect((await refusal(await ask({ caller: ANYBODY })))[0]).toBe(401);
  authenticate = create({ loopback: () => 'none' });
  expect((await refusal(await ask({ caller: LOCAL })))[0]).toBe(401);
});

it('whom AWS has authenticated is known by the ARN', async () => {
  const caller = { ...ANYBODY, arn: 'arn:aws:iam::1:user/ann' };
  const headers = { authorization: 'AWS4-HMAC-SHA256 Credential=…'.replace('…', 'x') };
  expect(await ask({ caller, headers })).toEqual({ name: caller.arn, scope: 'read' });
  authenticate = create({ iamScope: 'admin' });
  expect(await ask({ caller })).toMatchObject({ scope: 'admin' });
});

it('a page of another site gets a browser to change nothing, neither from this machine nor with a session', async () => {
  const sessions: Sessions = {
    principalOf: async ({ headers }) =>
      headers.get('cookie') === 'valid' ? { name: 'ann', scope: 'silence' } : undefined,
    loginPath: () => '/login',
    origin: () => 'https://bartizan.example',
  };
  authenticate = create({ sessions, loopback: () => 'silence' });
  const post = (headers: Record<string, string>, caller = REMOTE) => ask({ method: 'POST', headers, caller });
  for (const [headers, caller] of [
    [{ cookie: 'valid' }, REMOTE],
    [{}, LOCAL],
  ] as const) {
    for (const own of ['https://bartizan.example', 'http://bartizan.example'])
      expect(await post({ ...headers, origin: own }, caller)).toMatchObject({ scope: 'silence' });
    for (const [name, value] of [
      ['origin', 'https://evil.example'],
      ['origin', 'null'],
      ['sec-fetch-site', 'cross-site'],
    ] as const)
      expect((await refusal(await post({ ...headers, [name]: value }, caller)))[0]).toBe(403);
    expect(await post(headers, caller)).toMatchObject({ scope: 'silence' });
  }
  const page = (await ask({ path: '/docs', headers: { accept: 'text/html,*/*' } })) as Response;
  expect([page.status, page.headers.get('location')]).toEqual([302, '/login']);
  expect((await refusal(await ask({ headers: { accept: 'application/json' } })))[0]).toBe(401);
});
