import http, { type RequestListener } from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import { createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeAuthority, makeCertificate } from '../../test/certificates.ts';
import { answering, listen, setup, openSockets as sockets, useHttpPeers } from '../../test/http-peers.ts';
import { scaledMs } from '../../test/machine-speed.ts';
import { flood } from '../../test/node-behaviour.ts';
import { until } from '../../test/prober-fleet.ts';
import type { HttpRequest } from './http-client.ts';

useHttpPeers();

let authority: Certificate;
let server: Certificate;

beforeAll(async () => {
  authority = await makeAuthority();
  server = await makeCertificate(['kubernetes', '127.0.0.1'], { authority });
});

describe('requests through the bastion', () => {
  it('share a connection that stays open', async () => {
    const { get, dials } = await setup(await listen(http.createServer(answering('ok'))));
    const first = await get();
    expect(first).toMatchObject({ status: 200, body: 'ok', isCut: false, bytes: 2 });
    expect(first.phases.dialMs).toBeGreaterThan(0);
    const second = await get();
    expect(second.body).toBe('ok');
    expect(second.phases).not.toHaveProperty('dialMs');
    expect(dials()).toBe(1);
  });

  it('leave no listener on the connection that they share', async () => {
    const { get, listeners } = await setup(await listen(http.createServer(answering('ok'))));
    await get();
    const before = listeners();
    for (let n = 0; n < 3; n++) await get();
    expect(listeners()).toEqual(before);
  });

  it('open a new one where the server has closed it meanwhile', async () => {
    const { get, dials } = await setup(await listen(http.createServer(answering('ok'))));
    await get();
    for (const socket of sockets) socket.destroy();
    expect((await get()).body).toBe('ok');
    expect(dials()).toBe(2);
  });

  it('open a new one where the server has ended an idle one, as its keep-alive time asks', async () => {
    const server = http.createServer(answering('ok'));
    const { get, dials } = await setup(await listen(server));
    for (let round = 1; round <= 3; round++) {
      expect((await get({ deadlineMs: () => scaledMs(2_000) })).body).toBe('ok');
      expect(dials()).toBe(round);
      for (const socket of sockets) socket.end();
      await until(() => [...sockets].every((socket) => socket.readableEnded || socket.destroyed));
      sockets.clear();
    }
  });

  it('make a TLS handshake with SNI, and show what the server showed', async () => {
    let asked: string | undefined;
    const tlsServer = https.createServer({ ...server }, answering('secure'));
    tlsServer.on('secureConnection', (socket) => {
      asked = socket.servername as string;
    });
    const { get, dials } = await setup(await listen(tlsServer));
    const tls = { servername: 'kubernetes', ca: authority.cert };
    const answer = await get({ tls });
    expect(answer.body).toBe('secure');
    expect(asked).toBe('kubernetes');
    expect(answer.tls?.chain[0]?.subjectAltName).toContain('DNS:kubernetes');
    expect(answer.tls?.chainError).toBeUndefined();
    expect(answer.phases.tlsMs).toBeGreaterThan(0);
    expect((await get({ tls })).phases).not.toHaveProperty('tlsMs');
    expect(dials()).toBe(1);
  });

  it('a certificate that is not trusted is a fact, unless a credential would be sent', async () => {
    const seen: string[] = [];
    const own = await makeCertificate(['other']);
    const tlsServer = https.createServer({ ...own }, (request, response) => {
      seen.push(request.headers.authorization ?? 'none');
      response.end('secure');
    });
    const { get } = await setup(await listen(tlsServer));
    const tls = { servername: 'kubernetes', ca: authority.cert };
    expect((await get({ tls })).tls?.chainError).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    const headers = { authorization: 'Bearer secret' };
    const refused = get({ tls: { ...tls, mustVerify: true }, headers });
    await expect(refused).rejects.toThrow(
      /not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\), so no request is sent/,
    );
    expect(seen).toEqual(['none']);
  });

  it('do not follow redirects', async () => {
    const { get } = await setup(
      await listen(
        http.createServer((_, response) => response.writeHead(302, { location: 'http://10.0.0.1/' }).end()),
      ),
    );
    expect(await get()).toMatchObject({ status: 302, headers: { location: 'http://10.0.0.1/' } });
  });
});

describe('a server that hangs up', () => {
  it.each([true, false])('in the middle of requests costs itself only, with TLS: %s', async (withTls) => {
    let isDown = false;
    const listener: RequestListener = (request, response) => {
      if (isDown) request.socket.destroy();
      else response.end('ok');
    };
    const made = withTls ? https.createServer({ ...server }, listener) : http.createServer(listener);
    const { get } = await setup(await listen(made));
    const asked = () => get(withTls ? { tls: {} } : {}).then(({ body }) => body, String);
    for (const down of [false, false, true, true, false, false, true, false]) {
      isDown = down;
      expect(await asked()).toBe(down ? 'ProbeError: closed the connection without a whole answer' : 'ok');
    }
  });

  it('leaves the parsers of this process whole', async () => {
    // Node shares them between all connections of HTTP, also those of our own server.
    const { parsers } = createRequire(import.meta.url)('node:_http_common') as {
      parsers: { list: unknown[] };
    };
    const { get } = await setup(
      await listen(https.createServer({ ...server }, (request) => request.socket.destroy())),
    );
    for (let i = 0; i < 5; i++) await get({ tls: {} }).catch(() => {});
    expect(new Set(parsers.list).size).toBe(parsers.list.length);
  });
});

describe('a server that misbehaves costs a bounded answer', () => {
  const raw = (behave: (socket: Duplex) => void) =>
    listen(createServer((socket) => void socket.once('data', () => behave(socket))));

  it.each<[string, (socket: Duplex) => void, Partial<HttpRequest>, RegExp]>([
    ['accepts and never answers', () => {}, { deadlineMs: () => 300 }, /^no answer within 0.3 s$/],
    [
      'sends a byte now and then',
      (socket) => {
        const timer = setInterval(() => socket.write('x'), 20);
        socket.on('close', () => clearInterval(timer));
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n');
      },
      { deadlineMs: () => 300 },
      /^no answer within 0.3 s$/,
    ],
    [
      'speaks something else',
      (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'),
      {},
      /^does not speak HTTP/,
    ],
    [
      'closes without an answer',
      (socket) => socket.end(),
      {},
      /^closed the connection without a whole answer$/,
    ],
    [
      'sends headers without end',
      (socket) => flood(socket, undefined, 2 ** 24, 'x-header: y\r\n'.replace(/^/, 'HTTP/1.1 200 OK\r\n')),
      {},
      /^(does not speak HTTP|cut off: it sends without end)/,
    ],
    [
      'switches to another protocol',
      (socket) =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'),
      {},
      /^switched to another protocol, which nobody asked for$/,
    ],
    [
      'speaks no TLS',
      (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
      { tls: {} },
      /^does not speak TLS$/,
    ],
  ])('%s', async (_, behave, request, message) => {
    const { get } = await setup(await raw(behave));
    await expect(get(request)).rejects.toThrow(message);
  });

  it('a body of a gigabyte is cut off where the caller said', async () => {
    const { get } = await setup(
      await raw((socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        flood(socket, undefined, 2 ** 30);
      }),
    );
    const answer = await get({ maxBytes: 10_000 });
    expect(answer).toMatchObject({ status: 200, isCut: true });
    expect(answer.body).toHaveLength(10_000);
  });

  it('a packed body that nobody asked for is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    const { get } = await setup(
      await listen(http.createServer(answering(bomb, { 'content-encoding': 'gzip' }))),
    );
    const answer = await get();
    expect(answer.bytes).toBe(bomb.length);
  });

  it('what sends while nobody asks is cut, and the next request opens a new connection', async () => {
    const opened: Socket[] = [];
    const port = await listen(
      createServer((socket) => {
        opened.push(socket);
        socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
      }),
    );
    const { get } = await setup(port);
    expect((await get()).body).toBe('ok');
    let sent = 0;
    flood(opened[0] as Socket, (bytes) => {
      sent += bytes;
    });
    await until(() => opened[0]?.destroyed === true);
    // What fits into buffers on the way.
    expect(sent).toBeLessThan(16 * 2 ** 20);
    expect((await get()).body).toBe('ok');
    expect(opened).toHaveLength(2);
  });
});
