import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Refusal } from '../history/interfaces.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import type { History } from './history-host.ts';
import type { HistoryRequest } from './history-messages.ts';
import { createMeter, type LocalMeter } from './meter.ts';
import { openMetrics } from './metrics-access.ts';
import { type LocalServer, startServer } from './server.ts';

const MIB = 1024 ** 2;
let server: LocalServer;
let meter: LocalMeter;
let asked: HistoryRequest[];
let signals: AbortSignal[];
let pieces: () => AsyncIterable<Uint8Array>;
let service: History | Refusal;
let url: string;

const answering: History = {
  async answer(received, signal) {
    asked.push(received);
    signals.push(signal);
    const headers: [string, string][] = [
      ['content-type', 'text/plain'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ];
    return { status: 200, headers, body: pieces() };
  },
  close() {},
};

beforeEach(async () => {
  meter = createMeter();
  asked = [];
  signals = [];
  service = answering;
  pieces = () => bodyOf('hello');
  const logger = createRecordingLogger();
  const secrets = { resolve: async (text: string) => text, redact: (text: string) => text };
  server = await startServer({
    ...(await openMetrics(() => undefined, { secrets, logger })),
    host: '127.0.0.1',
    port: 0,
    charts: { get: async () => undefined },
    health: async () => {
      throw new Error('nobody asks for health here');
    },
    metrics: () => 'bartizan_rounds_total 1\n',
    history: {
      service: () => service,
      timeoutMs: () => 1_000,
      publicUrl: () => 'https://bartizan.example.net/base',
    },
    meter,
  });
  url = server.url;
});
afterEach(() => server.close());

async function* bodyOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

function ask(
  path: string,
  {
    method = 'GET',
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string>; body?: string | Uint8Array } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, url), { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    sent.on('error', reject).end(body);
  });
}

/** What a client gets that writes exactly this. */
async function exchange(text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let answered = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    answered += chunk;
  });
  socket.on('error', () => {});
  socket.write(text);
  await once(socket, 'close');
  return answered;
}

const counted = () =>
  (meter.text().match(/^bartizan_(?:history_requests|server_requests_refused)_total.*$/gm) ?? []).sort();

it('passes on method, address, headers and body, and who asks', async () => {
  const { status, headers, text } = await ask('/api/v1/query?a=b', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: 'Bearer t' },
    body: 'query=up',
  });
  expect([status, text]).toEqual([200, 'hello']);
  expect(headers).toMatchObject({ 'content-length': '5', 'set-cookie': ['a=1', 'b=2'] });
  const [{ body, ...received }] = asked as [HistoryRequest];
  expect(Buffer.from(body ?? []).toString()).toBe('query=up');
  expect(received).toMatchObject({
    method: 'POST',
    url: `${url}/api/v1/query?a=b`,
    caller: { address: '127.0.0.1', isLocal: true },
  });
  expect(Object.fromEntries(received.headers)).toMatchObject({ authorization: 'Bearer t' });
  await vi.waitFor(() =>
    expect(counted()).toEqual(['bartizan_history_requests_total{interface="prometheus",code="200"} 1']),
  );
});

it('knows whom a proxy passes on, and serves other paths as before', async () => {
  await ask('/v1/alerts', { headers: { 'x-forwarded-for': '10.0.0.1' } });
  await ask('/v1/alerts', { headers: { host: 'bartizan.example.net' } }).then(({ status }) =>
    expect(status).toBe(421),
  );
  expect(asked.map(({ caller }) => caller.isLocal)).toEqual([false]);
  for (const path of ['/', '/api', '/api/v3/x', '/v1', '/docsx', '/metrics/v1/', '/charts/v1/'])
    expect([path, (await ask(path)).status]).toEqual([path, 404]);
  expect((await ask('/livez')).status).toBe(200);
  expect(asked).toHaveLength(1);
});

const form = { method: 'POST', body: 'query=up' };
it.each<[name: string, path: string, init: Parameters<typeof ask>[1], status: number, why: string]>([
  ['an unknown method', '/api/v1/query', { method: 'PATCH' }, 405, 'method'],
  ['a question of browsers', '/api/v1/query', { method: 'OPTIONS' }, 405, 'method'],
  [
    'a page of another host',
    '/api/v2/silences',
    { ...form, headers: { origin: 'https://evil.example' } },
    403,
    'origin',
  ],
  ['a page of nobody', '/api/v2/silences', { ...form, headers: { origin: 'null' } }, 403, 'origin'],
  [
    'a page of another port',
    '/api/v2/silences',
    { ...form, headers: { origin: 'http://127.0.0.1:1' } },
    403,
    'origin',
  ],
  [
    'a compressed body',
    '/v1/silences',
    { ...form, headers: { 'content-encoding': 'gzip' } },
    415,
    'encoding',
  ],
  ['a long body', '/v1/silences', { method: 'POST', body: Buffer.alloc(MIB + 1) }, 413, 'body'],
  ['a query with a body', '/v1/alerts', { body: 'x', headers: { 'content-length': '1' } }, 413, 'body'],
  ['a body elsewhere', '/livez', form, 413, 'body'],
])('refuses %s', async (_, path, init, status, why) => {
  const answer = await ask(path, init);
  expect([answer.status, answer.headers.connection]).toEqual([status, 'close']);
  expect(answer.text.length).toBeGreaterThan(10);
  expect(asked).toEqual([]);
  expect(counted()).toContain(`bartizan_server_requests_refused_total{why="${why}"} 1`);
});

it('refuses in the form of the interface', async () => {
  const { text } = await ask('/api/v1/query', { method: 'PUT' });
  expect(JSON.parse(text)).toMatchObject({ status: 'error', errorType: 'bad_data' });
  service = { status: 503, code: 'standby', message: 'this process stands by', retryAfterS: 7 };
  const standby = await ask('/api/v2/alerts');
  expect([standby.status, standby.headers['retry-after'], JSON.parse(standby.text)]).toEqual([
    503,
    '7',
    'this process stands by',
  ]);
});

it('accepts pages of its own, by the host of the request and by `publicUrl`', async () => {
  for (const origin of [url, 'https://bartizan.example.net'])
    expect([origin, (await ask('/v1/silences', { ...form, headers: { origin } })).status]).toEqual([
      origin,
      200,
    ]);
});

it('reads a body of the most bytes, and refuses more also where no length announces it', async () => {
  const most = 'x'.repeat(MIB);
  expect((await ask('/v1/silences', { method: 'POST', body: most })).status).toBe(200);
  expect(asked[0]?.body).toHaveLength(MIB);
  const chunked = `10000\r\n${'x'.repeat(65_536)}\r\n`.repeat(17);
  const head = 'POST /v1/silences HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n';
  expect(await exchange(`${head}${chunked}0\r\n\r\n`)).toContain('413 Payload Too Large');
  expect(asked).toHaveLength(1);
});

it('lets a client ask whether it may send its body', async () => {
  const head =
    'POST /v1/silences HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\nconnection: close\r\n';
  const answered = await exchange(`${head}content-length: 2\r\n\r\n{}`);
  expect(answered).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
});

it('a shorter body than announced asks nothing', async () => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.end('POST /v1/silences HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{}');
  socket.resume();
  await once(socket, 'close');
  await vi.waitFor(() =>
    expect(counted()).toEqual(['bartizan_history_requests_total{interface="bartizan",code="broken"} 1']),
  );
  expect(asked).toEqual([]);
});

it('does not take a path for another that an address may begin with', async () => {
  expect(await exchange('GET //v1/x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')).toContain(
    ' 404 ',
  );
  expect(
    await exchange('GET http://localhost/v1/x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'),
  ).toContain(' 404 ');
  expect(asked).toEqual([]);
});

it('sends a long answer in pieces, and asks for the next when the client has taken one', async () => {
  let made = 0;
  let isOver = false;
  pieces = async function* () {
    try {
      for (; made < 1_000; made++) yield Buffer.alloc(256 * 1024, 'x');
    } finally {
      isOver = true;
    }
  };
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.pause();
  socket.write('GET /v1/range HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await vi.waitFor(() => expect(made).toBeGreaterThan(1));
  let before: number | undefined;
  await vi.waitFor(
    () => {
      const last = before;
      before = made;
      expect(made).toBe(last);
    },
    { interval: 200 },
  );
  expect(made).toBeLessThan(200);
  expect(signals[0]?.aborted).toBe(false);
  socket.destroy();
  await vi.waitFor(() => expect(signals[0]?.aborted).toBe(true));
  expect(isOver).toBe(false);
});

it('an answer that breaks off does not look complete', async () => {
  pieces = async function* () {
    yield Buffer.from('one');
    yield Buffer.from('two');
    throw new Error('the process ended');
  };
  await expect(ask('/v1/range')).rejects.toThrow(/aborted|hang up/);
  expect(signals[0]?.aborted).toBe(true);
});

it('answers HEAD without a body', async () => {
  pieces = () => bodyOf();
  const { status, text } = await ask('/v1/alerts', { method: 'HEAD' });
  expect([status, text]).toEqual([200, '']);
});
