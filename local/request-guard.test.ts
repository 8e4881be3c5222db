// Raw sockets send requests that no client library would send.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../test/until.ts';
import { createMeter, type LocalMeter } from './meter.ts';
import { answerGuarded, boundConnections, SERVER_LIMITS } from './request-guard.ts';

let server: Server;
let meter: LocalMeter;
let answered: number;
const sockets: Socket[] = [];

/** Large, so that unread data do not fit into the buffers of the system. */
const ANSWER = 'x'.repeat(64 * 1024);

beforeEach(async () => {
  meter = createMeter();
  answered = 0;
  server = createServer(SERVER_LIMITS);
  answerGuarded(
    server,
    (_, response) => {
      // Later, like an answer that is read from somewhere.
      setImmediate(() => {
        answered++;
        response.writeHead(200, { 'content-length': ANSWER.length }).end(ANSWER);
      });
    },
    { hosts: ['127.0.0.1', 'bartizan.example.net', 'Listed.Internal'], meter },
  );
  boundConnections(server, meter);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

async function open(): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {});
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** The data until the other side closes, or the first line of the answer. */
async function ask(text: string): Promise<string> {
  const socket = await open();
  socket.write(text);
  let got = '';
  for await (const chunk of socket) {
    got += String(chunk);
    if (got.includes('\r\n')) break;
  }
  return got.split('\r\n')[0] ?? '';
}

const closed = (socket: Socket) => (socket.closed ? Promise.resolve() : once(socket, 'close'));

describe('requests without waiting for answers', () => {
  const request = 'GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n';

  it('a few in a row are answered', async () => {
    const socket = await open();
    socket.write(request.repeat(3));
    let bytes = 0;
    for await (const chunk of socket) {
      bytes += (chunk as Buffer).length;
      if (bytes > 3 * ANSWER.length) break;
    }
    expect([answered, meter.total('server_requests_refused_total')]).toEqual([3, 0]);
  });

  it('a thousand whose answers nobody reads end the connection, and cost a few answers', async () => {
    const socket = await open();
    socket.pause();
    socket.write(request.repeat(1_000));
    socket.resume();
    await closed(socket);
    expect(answered).toBeLessThan(20);
    expect(meter.text()).toContain('bartizan_server_requests_refused_total{why="unread"} 1');
  });

  it.each([['secrets'], ['100-continue']])('the same happens when they expect %s', async (what) => {
    const socket = await open();
    socket.pause();
    socket.write(`GET /healthz HTTP/1.1\r\nhost: localhost\r\nexpect: ${what}\r\n\r\n`.repeat(1_000));
    socket.resume();
    await closed(socket);
    expect(answered).toBeLessThan(20);
    expect(meter.text()).toMatch(/\{why="(unread|expectation)"\}/);
  });

  it('one after the other, unread, they also end the connection', async () => {
    const socket = await open();
    socket.pause();
    for (let i = 0; i < 200 && !socket.destroyed; i++) {
      socket.write(request);
      await new Promise((done) => setImmediate(done));
    }
    socket.resume();
    await closed(socket);
    expect(meter.text()).toContain('{why="unread"}');
    expect(answered).toBeLessThan(100);
  });
});

describe('connections', () => {
  it('beyond a limit are closed, and new ones are accepted when others end', async () => {
    const many = await Promise.all(Array.from({ length: 256 }, open));
    const more = await open();
    await closed(more);
    expect(meter.text()).toContain('bartizan_server_requests_refused_total{why="connections"} 1');
    const [first, second] = many as [Socket, Socket];
    for (const one of [first, second]) one.destroy();
    await Promise.all([closed(first), closed(second)]);
    const again = () => ask('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await until('it answers again', async () => (await again()) === 'HTTP/1.1 200 OK');
  });

  it('that never finish their headers are ended', async () => {
    // The limits are the same, scaled down.
    server.headersTimeout = SERVER_LIMITS.headersTimeout / 50;
    const socket = await open();
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n');
    socket.resume();
    await closed(socket);
    expect(answered).toBe(0);
  });

  it('with headers that are too long are refused', async () => {
    expect(await ask(`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`)).toContain(
      '431',
    );
  });

  it.each([['content-length: 1000000000\r\n\r\n'], ['transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n']])(
    'with a body are refused: %j',
    async (rest) => {
      expect(await ask(`POST /healthz HTTP/1.1\r\nhost: localhost\r\n${rest}`)).toContain('413');
      expect(answered).toBe(0);
    },
  );
});

describe('the header Expect', () => {
  it.each([
    ['100-continue', 'localhost', 200],
    ['100-continue', 'evil.example', 421],
    ['secrets', 'localhost', 417],
  ])('with %s for %s gets %i', async (what, host, status) => {
    const text = `GET /healthz HTTP/1.1\r\nhost: ${host}\r\nexpect: ${what}\r\n\r\n`;
    expect(await ask(text)).toContain(` ${status} `);
  });
});

describe('the header Host', () => {
  it.each([
    ['localhost:9470', 200],
    ['LOCALHOST', 200],
    ['127.0.0.1:9470', 200],
    ['10.1.2.3', 200],
    ['[::1]:9470', 200],
    ['[fd00::7]', 200],
    ['bartizan.example.net', 200],
    ['bartizan.example.net.:443', 200],
    ['listed.internal:80', 200],
    ['evil.example', 421],
    ['localhost.evil.example', 421],
    ['127.0.0.1.evil.example', 421],
    ['evil.example:9470@localhost', 421],
    ['', 421],
    ['localhost:x', 421],
  ])('with %j gets %i', async (host, status) => {
    expect(await ask(`GET /healthz HTTP/1.1\r\nhost: ${host}\r\n\r\n`)).toContain(` ${status} `);
  });

  it('may be missing in HTTP/1.0, as in checks of load balancers', async () => {
    expect(await ask('GET /healthz HTTP/1.0\r\n\r\n')).toContain(' 200 ');
  });

  it('is counted when it is refused', async () => {
    await ask('GET / HTTP/1.1\r\nhost: evil.example\r\n\r\n');
    expect(meter.text()).toContain('bartizan_server_requests_refused_total{why="host"} 1');
  });
});
