import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../core/errors.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createMeter } from './meter.ts';
import { type MetricsSettings, openMetrics } from './metrics-access.ts';
import { type LocalServer, startServer } from './server.ts';

const TOKEN = 'correct-horse-battery';
let server: LocalServer;
let token: string | ConfigError = TOKEN;
const logger = createRecordingLogger();
const meter = createMeter();

async function start(settings: MetricsSettings): Promise<LocalServer> {
  token = TOKEN;
  const metrics = await openMetrics(() => settings, {
    secrets: {
      async resolve() {
        if (typeof token !== 'string') throw token;
        return token;
      },
      redact: (text) => text.replaceAll(TOKEN, '<secret>'),
    },
    logger,
  });
  server = await startServer({
    host: '127.0.0.1',
    port: 0,
    ...metrics,
    charts: { get: async () => undefined },
    health: async () => {
      throw new Error('nobody asks for health here');
    },
    metrics: () => 'bartizan_rounds_total 1\n',
    meter,
  });
  return server;
}
afterEach(() => server.close());

interface Ask {
  headers?: Record<string, string>;
  /** The caller's address; all of 127.0.0.0/8 is this machine. */
  from?: string;
  path?: string;
}

/** As a caller on another machine: the name is not one of this machine. */
function ask(base: string, { headers = {}, from = '127.0.0.1', path = '/metrics' }: Ask = {}) {
  const url = new URL(path, base);
  return new Promise<{ status: number; text: string; challenge: unknown }>((resolve, reject) => {
    const sent = request(
      url,
      { localAddress: from, headers: { host: '10.0.0.5', ...headers } },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += String(chunk);
        });
        response.on('end', () => {
          const { statusCode: status = 0 } = response;
          resolve({ status, text, challenge: response.headers['www-authenticate'] });
        });
      },
    );
    sent.on('error', reject).end();
  });
}

const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
const CASES: [name: string, settings: MetricsSettings, ask: Ask, status: number][] = [
  ['without settings', undefined, {}, 403],
  ['without settings, with a token that nobody set', undefined, { headers: bearer(TOKEN) }, 403],
  ['without settings, on this machine', undefined, { headers: { host: 'localhost' } }, 200],
  ['an empty allow list', { allow: [] }, {}, 403],
  ['an address in a listed subnet', { allow: ['10.0.0.0/8', '127.0.0.2/31'] }, { from: '127.0.0.3' }, 200],
  ['an address outside', { allow: ['10.0.0.0/8', '127.0.0.2/31'] }, { from: '127.0.0.4' }, 403],
  ['a listed address', { allow: ['127.0.0.4'] }, { from: '127.0.0.4' }, 200],
  [
    'an address that a header claims',
    { allow: ['10.0.0.0/8'] },
    { headers: { 'x-forwarded-for': '10.0.0.1', forwarded: 'for=10.0.0.1' } },
    403,
  ],
  [
    'this machine through a proxy',
    { allow: ['10.0.0.0/8'] },
    { headers: { host: 'localhost', via: 'p' } },
    403,
  ],
  ['this machine, not on the list', { allow: ['10.0.0.0/8'] }, { headers: { host: 'localhost' } }, 200],
  ['the token', { allow: [], token: 't' }, { headers: bearer(TOKEN) }, 200],
  [
    'the token in another case of the scheme',
    { allow: [], token: 't' },
    { headers: { authorization: `bearer ${TOKEN}` } },
    200,
  ],
  ['no token', { allow: [], token: 't' }, {}, 401],
  ['a part of the token', { allow: [], token: 't' }, { headers: bearer(TOKEN.slice(0, -1)) }, 401],
  [
    'the token as a password',
    { allow: [], token: 't' },
    { headers: { authorization: `Basic ${TOKEN}` } },
    401,
  ],
  [
    'the token from an address outside',
    { allow: ['10.0.0.0/8'], token: 't' },
    { headers: bearer(TOKEN) },
    403,
  ],
  ['a listed address without the token', { allow: ['127.0.0.0/8'], token: 't' }, {}, 401],
  ['both', { allow: ['127.0.0.0/8'], token: 't' }, { headers: bearer(TOKEN) }, 200],
];
it.each(CASES)('%s', async (_, settings, asked, status) => {
  const { url } = await start(settings);
  const answer = await ask(url, asked);
  expect(answer.status).toBe(status);
  expect(answer.text.startsWith('bartizan_')).toBe(status === 200);
  expect(answer.challenge).toBe(status === 401 ? 'Bearer' : undefined);
  expect(answer.text).not.toContain(TOKEN);
});

describe('another address of metrics', () => {
  it('has metrics alone, under the same rules, and ends with the server', async () => {
    const { metricsUrl = '', url } = await start({
      listen: { host: '127.0.0.1', port: 0 },
      allow: ['127.0.0.9'],
    });
    expect(metricsUrl).not.toBe(url);
    expect((await ask(metricsUrl, { from: '127.0.0.9' })).status).toBe(200);
    expect((await ask(metricsUrl)).status).toBe(403);
    for (const path of ['/healthz', '/livez', '/charts/x.png', '/'])
      expect((await ask(metricsUrl, { path, from: '127.0.0.9' })).status).toBe(404);
    await server.close();
    await expect(ask(metricsUrl)).rejects.toThrow();
  });

  it('that is taken ends the start', async () => {
    const taken = await start(undefined);
    const port = Number(new URL(taken.url).port);
    const failing = start({ listen: { host: '127.0.0.1', port }, allow: ['10.0.0.1'] });
    await expect(failing).rejects.toThrow(
      /server\.metrics\.listen: cannot listen on 127\.0\.0\.1:\d+: the port is taken/,
    );
  });
});

it('a changed token counts at once; one that cannot be read is an answer of its own, and in the log', async () => {
  const { url } = await start({ allow: [], token: 't' });
  token = 'another-token-of-metrics';
  expect((await ask(url, { headers: bearer(TOKEN) })).status).toBe(401);
  expect((await ask(url, { headers: bearer('another-token-of-metrics') })).status).toBe(200);
  token = new ConfigError('the file is gone');
  const before = logger.lines.length;
  for (let tried = 0; tried < 3; tried++)
    expect((await ask(url, { headers: bearer(TOKEN) })).status).toBe(503);
  expect(logger.lines.slice(before)).toMatchObject([
    { level: 'error', fields: { error: 'the file is gone' } },
  ]);
});

it('a token that somebody could guess keeps `up` from starting', async () => {
  const opening = openMetrics(() => ({ allow: [], token: `\${env:T}` }), {
    secrets: { resolve: async () => 'short\n', redact: (text) => text },
    logger,
  });
  await expect(opening).rejects.toThrow(/server\.metrics\.token: \$\{env:T\} has fewer than 16 characters/);
});
