import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeAuthority, makeCertificate } from '../../../test/certificates.ts';
import { scaledMs } from '../../../test/machine-speed.ts';
import { flood } from '../../../test/node-behaviour.ts';
import { useBastion } from '../../../test/prober-fleet.ts';
import { setupServiceCheck, withoutDurations } from '../../../test/service-check.ts';
import { closedPort, serveHttp, serveRaw, serveTls } from '../../../test/services.ts';
import { optionsSchema } from './options.ts';

useBastion();

const PHASES = /^connection [\d.]+ ms, answer [\d.]+ ms$/;

async function setup(
  port: number,
  options: Record<string, unknown> = {},
  fixture?: Parameters<typeof setupServiceCheck>[2],
) {
  const { round, audit } = await setupServiceCheck('http', { port, ...options }, fixture);
  return {
    audit,
    async round() {
      const { found, notes } = await round();
      return { found: withoutDurations(found), notes };
    },
  };
}

const answering =
  (status: number, body = '', headers: Record<string, string> = {}): RequestListener =>
  (_, response) =>
    void response.writeHead(status, headers).end(body);

describe('an answer', () => {
  it.each<[string, RequestListener, Record<string, unknown>, RegExp | undefined]>([
    ['2xx', answering(204), {}, undefined],
    ['5xx', answering(503), {}, /^it answers 503, expected is 2xx$/],
    ['a redirect', answering(302, '', { location: 'http://10.0.0.1/' }), {}, /^it answers 302/],
    ['a redirect, expected', answering(302), { status: ['3xx'] }, undefined],
    ['401, expected', answering(401), { status: [200, 401] }, undefined],
    ['404, not expected', answering(404), { status: [200, 401] }, /^it answers 404, expected is 200 or 401$/],
    ['the text', answering(200, 'all is well'), { contains: 'is well' }, undefined],
    ['another text', answering(200, 'all is well'), { contains: 'is ill' }, /^the answer lacks the text/],
    ['a match', answering(200, 'up: 12'), { matches: 'up: [0-9]+$' }, undefined],
    [
      'no match',
      answering(200, 'up: x'),
      { matches: 'up: [0-9]+$' },
      /^the answer does not match `matches`$/,
    ],
    ['no body, to HEAD', answering(200), { method: 'HEAD' }, undefined],
  ])('with %s', async (_, listener, options, wrong) => {
    const { round } = await setup(await serveHttp(listener), options);
    const { found, notes } = await round();
    expect(found).toEqual([
      'http_duration',
      expect.stringMatching(/^http_status \d+$/),
      `http_up ${wrong ? 0 : 1}`,
    ]);
    const expected = [...(wrong ? [expect.stringMatching(wrong)] : []), expect.stringMatching(PHASES)];
    expect(notes).toEqual(expected);
  });

  it('comes over the connection of the round before', async () => {
    const { round } = await setup(await serveHttp(answering(200)));
    await round();
    expect((await round()).notes).toEqual([
      expect.stringMatching(/^answer .* ms \(the connection was open\)$/),
    ]);
  });

  it('has numbers, which are values by name', async () => {
    const body = JSON.stringify({ status: { replicas: 3, ready: true }, items: [{ lag: '1.5' }], odd: 'x' });
    const { round } = await setup(await serveHttp(answering(200, body)), {
      values: {
        replicas: '$.status.replicas',
        ready: 'status.ready',
        lag: 'items[0].lag',
        odd: 'odd',
        none: 'a.b',
      },
    });
    const { found, notes } = await round();
    expect(found.filter((line) => line.startsWith('check_value'))).toEqual([
      ...['check_value{lag} 1.5', 'check_value{ready} 1', 'check_value{replicas} 3'],
    ]);
    expect(found).toContain('http_up 1');
    expect(notes.slice(0, 2)).toEqual([
      'no value odd: at odd there is no number',
      'no value none: at a.b there is nothing',
    ]);
  });

  it.each([
    ['is not JSON', '<html>', 'no values: the answer is not JSON'],
    ['is too long', `{"a": "${'x'.repeat(300_000)}"}`, 'no values: the answer is too long'],
    ['nests without end', '['.repeat(200_000), 'no values: the answer is not JSON'],
  ])('that %s has none', async (_, body, note) => {
    const { round } = await setup(await serveHttp(answering(200, body)), { values: { a: 'a' } });
    const { found, notes } = await round();
    expect([found.includes('http_up 1'), notes[0]]).toEqual([true, note]);
  });
});

it('the request is as configured, and its secrets are sent and never shown', async () => {
  const seen: unknown[] = [];
  const port = await serveTls(server, (request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const { method, url, headers } = request;
      seen.push([method, url, headers['x-key'], headers.host, body]);
      response.writeHead(500, { 'x-key': String(headers['x-key']) }).end(String(headers['x-key']));
    });
  });
  const { round, audit } = await setup(
    port,
    {
      tls: true,
      ca: '${file:ca.crt}',
      servername: 'kubernetes',
      method: 'POST',
      path: '/check?deep=1',
      headers: { 'x-key': 'K-${env:KEY}' },
      body: '{"key": "${env:KEY}"}',
    },
    {
      keys: {
        '${file:ca.crt}': authority.cert,
        'K-${env:KEY}': 'K-SECRET',
        '{"key": "${env:KEY}"}': '"SECRET"',
      },
    },
  );
  const found = await round();
  expect(seen).toEqual([['POST', '/check?deep=1', 'K-SECRET', `kubernetes:${port}`, '"SECRET"']]);
  expect(found.found).toContain('http_up 0');
  expect(JSON.stringify([found, audit])).not.toContain('SECRET');
  expect(audit.at(-1)?.command).toMatch(/^POST https:.*\/check via bastion$/);
});

let authority: Certificate;
let server: Certificate;
beforeAll(async () => {
  authority = await makeAuthority();
  server = await makeCertificate(['kubernetes'], { authority });
});

describe('certificates', () => {
  const CA = { keys: () => ({ '${file:ca.crt}': authority.cert }) };

  it.each<[string, () => Promise<Certificate>, string]>([
    ['signs itself', () => makeCertificate(['127.0.0.1']), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['is for another name', () => makeCertificate(['other'], { authority }), 'it is not for 127.0.0.1'],
    [
      'has expired',
      () => makeCertificate(['127.0.0.1'], { authority, from: new Date(0), until: new Date(1e10) }),
      'CERT_HAS_EXPIRED',
    ],
    [
      'is not yet valid',
      () => makeCertificate(['127.0.0.1'], { authority, from: new Date(Date.now() + 1e9) }),
      'CERT_NOT_YET_VALID',
    ],
  ])('that %s counts as failing with `ca`, and not without', async (_, certificate, why) => {
    let requests = 0;
    const port = await serveTls(await certificate(), (__, response) => {
      requests++;
      response.end('ok');
    });
    const strict = await setup(port, { tls: true, ca: '${file:ca.crt}' }, { keys: CA.keys() });
    expect(await strict.round()).toEqual({ found: ['http_up 0'], notes: [expect.stringContaining(why)] });
    expect(requests).toBe(0);
    expect((await (await setup(port, { tls: true })).round()).found).toContain('http_up 1');
  });
});

describe('a server that misbehaves costs its own check only', () => {
  it.each<[string, (socket: Socket) => void, RegExp]>([
    ['accepts and never answers', () => {}, /^no answer within/],
    ['hangs up', (socket) => socket.destroy(), /^closed the connection without a whole answer$/],
    ['speaks SSH', (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'), /^does not speak HTTP/],
    [
      'sends a byte now and then',
      (socket) => {
        const timer = setInterval(() => socket.write('x'), 20);
        socket.on('close', () => clearInterval(timer));
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n');
      },
      /^no answer within/,
    ],
  ])('%s', async (_, behave, note) => {
    const { round } = await setup(await serveRaw(behave));
    expect(await round()).toEqual({ found: ['http_up 0'], notes: [expect.stringMatching(note)] });
  });

  it('nobody listens', async () => {
    const { round } = await setup(await closedPort());
    expect((await round()).found).toEqual(['http_up 0']);
  });

  it('a body of a gigabyte is read as far as it is needed', async () => {
    const port = await serveRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nwelcome');
      flood(socket, undefined, 2 ** 30);
    });
    const { round } = await setup(port, { contains: 'welcome', matches: '^welcome' });
    expect((await round()).found).toContain('http_up 1');
    const missing = await setup(port, { contains: 'nothing of this' });
    expect((await missing.round()).notes[0]).toBe('the beginning of the answer lacks the text of `contains`');
  });

  it('a packed body is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, 'bartizan '));
    const port = await serveHttp((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
    });
    const { round } = await setup(port, { contains: 'bartizan bartizan' });
    expect((await round()).found).toContain('http_up 0');
  });

  it('an answer made for regular expressions that backtrack takes no time', async () => {
    const { round } = await setup(await serveHttp(answering(200, `${'a'.repeat(250_000)}!`)), {
      matches: '(a+)+$',
    });
    const startMs = performance.now();
    expect((await round()).found).toContain('http_up 1');
    expect(performance.now() - startMs).toBeLessThan(scaledMs(2_000));
  });
});

it.each<[Record<string, unknown>, string, RegExp]>([
  [{ headers: { authorization: 'Bearer ${env:T}' } }, 'headers', /needs HTTPS with `ca`, or `via: node`/],
  [{ headers: { authorization: 'Bearer ${env:T}' }, tls: true }, 'headers', /needs HTTPS with `ca`/],
  [{ body: '${env:T}' }, 'body', /needs HTTPS with `ca`/],
  [{ token: '${env:T}' }, 'token', /needs HTTPS; write `tls: true`/],
  [{ path: 'metrics' }, 'path', /begins with/],
  [{ path: '/a b' }, 'path', /no spaces/],
  [{ status: [99] }, 'status', /./],
  [{ status: ['6xx'] }, 'status', /./],
  [{ matches: '(' }, 'matches', /no regular expression/],
  [{ matches: '(?=a)' }, 'matches', /no regular expression/],
  [{ values: { 'a b': '$.a' } }, 'values', /./],
  [{ values: { a: '$..a' } }, 'values', /no path into JSON/],
  [{ headers: { host: 'x' } }, 'headers', /HTTP sets this header itself/],
  [{ headers: { accept: 'a\nb' } }, 'headers', /one line/],
  ...[
    'Authorization',
    'cookie',
    'X-Api-Key',
    'X-Auth-Key',
    'X-Access-Key',
    'X-Registry-Auth',
    'Private-Token',
    'x-vault-token',
  ].map((name): [Record<string, unknown>, string, RegExp] => [
    { headers: { [name]: 'abc' }, via: 'node' },
    'headers',
    /no secret belongs in this file/,
  ]),
  [{ method: 'HEAD', contains: 'x' }, 'contains', /HEAD has no body/],
  [{ method: 'HEAD', values: { a: '$.a' } }, 'values', /HEAD has no body/],
])('the options %j are refused', (options, field, message) => {
  const issues = optionsSchema.safeParse({ port: 80, ...options }).error?.issues ?? [];
  expect(issues.map(({ path }) => path[0])).toContain(field);
  expect(issues.map((issue) => issue.message).join('\n')).toMatch(message);
});

it.each<Record<string, unknown>>([
  { headers: { authorization: 'Bearer ${env:T}' }, via: 'node' },
  { headers: { authorization: 'Bearer ${env:T}' }, tls: true, ca: '${file:ca.crt}' },
  { headers: { accept: 'application/json', 'idempotency-key': 'a', 'x-token-version': '2' } },
  { method: 'HEAD' },
])('the options %j are accepted', (options) => {
  expect(optionsSchema.safeParse({ port: 80, ...options }).success).toBe(true);
});
