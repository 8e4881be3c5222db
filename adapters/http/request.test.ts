import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigError, PermanentError, RetryableError } from '../../core/errors.ts';
import { scaledMs } from '../../test/machine-speed.ts';
import { createSecrets } from '../secrets/secrets.ts';
import { type HttpRequest, sendRequest, statusError } from './request.ts';

const NOW = Date.UTC(2026, 10, 24, 9, 10);
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that sends these bytes to every request, valid HTTP or not, and then closes or keeps the connection. */
async function serve(bytes: string, then: 'hang up' | 'hold'): Promise<string> {
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {});
    socket.once('data', () => (then === 'hold' ? socket.write(bytes) : socket.end(bytes)));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/hooks/token`;
}

function send(url: string, extra: Partial<HttpRequest> = {}) {
  const signal = new AbortController().signal;
  const request = {
    method: 'POST',
    url,
    headers: {},
    body: '{}',
    timeoutMs: 5_000,
    signal,
    ...extra,
  } as const;
  return sendRequest(request, { nowMs: () => NOW, redact: (text) => text.replaceAll('token', '<secret>') });
}

const caught = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.fail('it was delivered'),
    (error) => error,
  );

describe('statusError', () => {
  it('maps every status to an error', () => {
    const others = new Map<number, unknown>([
      ...[401, 403, 407].map((status) => [status, ConfigError] as const),
      ...[408, 425, 429].map((status) => [status, RetryableError] as const),
    ]);
    for (let status = 300; status < 600; status++) {
      const expected = others.get(status) ?? (status < 500 ? PermanentError : RetryableError);
      expect([status, statusError('h', status, {}, '', NOW).constructor]).toEqual([status, expected]);
    }
  });

  it.each([
    ['https://user:pass@elsewhere.example/hooks/token?x=1', 'elsewhere.example'],
    ['/hooks/token', 'here.example'],
    ['http://[', 'a malformed address'],
    [undefined, 'nowhere'],
  ])('names only the host of a redirect to %s', (location, host) => {
    const headers: Record<string, string> = location === undefined ? {} : { location };
    expect(statusError('here.example', 308, headers, '', NOW).message).toBe(
      `here.example redirects (308) to ${host}; write the final address into the configuration`,
    );
  });
});

describe('sendRequest', () => {
  it.each([200, 201, 204, 226, 299])('accepts %d', async (status) => {
    const url = await serve(`HTTP/1.1 ${status} Fine\r\ncontent-length: 0\r\n\r\n`, 'hang up');
    expect((await send(url)).status).toBe(status);
  });

  it('waits for the final answer behind an interim one', async () => {
    const url = await serve(
      'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
      'hang up',
    );
    expect(await send(url)).toMatchObject({ status: 200, body: 'ok' });
  });

  it.each([
    ['is silent', ''],
    ['only ever says 100', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['switches protocols', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'],
  ])('gives up in time on a service that %s', async (_, bytes) => {
    const error = await caught(send(await serve(bytes, 'hold'), { timeoutMs: 100 }));
    expect(error).toBeInstanceOf(RetryableError);
    expect(error.message).toMatch(/^127\.0\.0\.1:\d+ did not answer within 0\.1 s$/);
  });

  it('accepts the status although the body never ends', async () => {
    const stalled = (status: string) =>
      serve(`HTTP/1.1 ${status}\r\ncontent-length: 99\r\n\r\nhalf of tok`, 'hold');
    expect(await send(await stalled('202 Accepted'), { timeoutMs: scaledMs(100) })).toMatchObject({
      status: 202,
      body: 'half of tok',
    });
    const error = await caught(send(await stalled('422 No'), { timeoutMs: scaledMs(100) }));
    expect(error).toBeInstanceOf(PermanentError);
    expect(error.message).toMatch(/ answered 422: half of$/);
  });

  it('keeps 64 KiB of a response, and 200 characters of it in an error, redacted', async () => {
    const long = `my token ${'x'.repeat(200_000)}`;
    const answer = (status: string) =>
      serve(`HTTP/1.1 ${status}\r\ncontent-length: ${long.length}\r\n\r\n${long}`, 'hang up');
    expect((await send(await answer('200 OK'))).body).toHaveLength(65_536);
    const { message } = await caught(send(await answer('400 No')));
    expect(message).toMatch(/ answered 400: my <secret> x+$/);
    expect(message.length).toBeLessThan(260);
  });

  it.each([
    ['what is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', RetryableError],
    [
      'a body that is not compressed as its header says',
      'HTTP/1.1 400 No\r\ncontent-encoding: gzip\r\n\r\nok',
      PermanentError,
    ],
  ])('survives %s', async (_, bytes, type) => {
    expect(await caught(send(await serve(bytes, 'hang up')))).toBeInstanceOf(type);
  });

  it.each(['ftp://host/token', 'token', 'http://', ''])(
    'refuses the address "%s" without printing it',
    async (url) => {
      const error = await caught(send(url));
      expect(error).toBeInstanceOf(ConfigError);
      expect(error.message).toBe('url is not an http or https address');
    },
  );

  it('masks a token that is the name of a host', async () => {
    const secrets = createSecrets({ baseDir: '/', env: { NAME: 'ToKen123Abc' } });
    const url = `http://${await secrets.resolve('${env:NAME}')}.invalid/`;
    const signal = new AbortController().signal;
    const request = { method: 'POST', url, headers: {}, timeoutMs: 5_000, signal } as const;
    const error = await caught(sendRequest(request, { nowMs: () => NOW, redact: secrets.redact }));
    expect(error.message).toMatch(/^cannot reach <secret>\.invalid: the name/);
  });

  it('reports characters that HTTP cannot carry', async () => {
    const url = await serve('HTTP/1.1 200 OK\r\n\r\n', 'hang up');
    const error = await caught(send(url, { headers: { 'X-Team 1': 'token' } }));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatch(/contains a character that HTTP cannot carry/);
  });

  it('prefers the wait that the body asks for', async () => {
    const url = await serve('HTTP/1.1 429 Slow\r\nretry-after: 1\r\n\r\n{"wait":7}', 'hang up');
    const error = await caught(send(url, { retryAfterInBody: (body) => JSON.parse(body).wait * 1_000 }));
    expect((error as RetryableError).retryAfterMs).toBe(7_000);
  });
});
