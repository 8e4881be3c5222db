import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Audit } from '../../core/ports.ts';
import { scaledMs } from '../../test/machine-speed.ts';
import { bastion, until } from '../../test/prober-fleet.ts';
import {
  ended,
  errorOf,
  join,
  log,
  memoryAudit,
  open,
  serve,
  textOf,
  useTunnels,
} from '../../test/tunnel-fixture.ts';

useTunnels();

it('a connection that the audit does not take never reaches the service', async () => {
  let reached = 0;
  const { port } = await serve(() => reached++);
  let broken = false;
  const audit: Audit = {
    ...memoryAudit,
    append: (entries) => (broken ? Promise.reject(new Error('no space')) : memoryAudit.append(entries)),
  };
  const tunnel = await open(port, { audit });
  const before = reached;
  broken = true;
  expect(await errorOf(join(tunnel))).toBe('ECONNRESET');
  expect([reached, tunnel.totals().refused]).toEqual([before, 1]);
  broken = false;
  const client = join(tunnel);
  await once(client, 'connect');
  await until(() => reached === before + 1);
});

it('a service that stops listening costs its connections only', async () => {
  const { port, server } = await serve((socket) => socket.pipe(socket));
  const tunnel = await open(port);
  const lasting = join(tunnel);
  lasting.write('a');
  await once(lasting, 'data');
  server.close();
  expect(await errorOf(join(tunnel))).toBe('ECONNRESET');
  expect(log.lines.at(-1)).toMatchObject({ level: 'warn', message: 'a connection failed' });
  lasting.write('b');
  expect(String((await once(lasting, 'data'))[0])).toBe('b');
  await until(() => ended().includes('unreachable'));
});

it('refuses more connections than it may have open', async () => {
  const { port } = await serve((socket) => socket.pipe(socket));
  const tunnel = await open(port, { mostConnections: 2 });
  const two = [join(tunnel), join(tunnel)];
  for (const client of two) {
    client.write('x');
    await once(client, 'data');
  }
  expect(await errorOf(join(tunnel))).toBe('ECONNRESET');
  expect(tunnel.totals().refused).toBe(1);
  two[0]?.end();
  await until(() => tunnel.open() === 1);
  const third = join(tunnel);
  third.write('x');
  await once(third, 'data');
});

it('brings a service all that a client sent which is gone already', async () => {
  const bytes = 8 * 1024 * 1024;
  let received = 0;
  const { port } = await serve((socket) => {
    // Its own half ends first, and it reads slowly.
    socket.end('early');
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), 1);
    });
  });
  const tunnel = await open(port);
  const client = join(tunnel, { allowHalfOpen: true });
  expect(await textOf(client)).toBe('early');
  client.end(Buffer.alloc(bytes));
  await once(client, 'close');
  await until(() => tunnel.open() === 0);
  await until(() => received === bytes);
  expect(ended()).toEqual(['ok', 'ok']);
  expect(tunnel.totals()).toMatchObject({ bytesSent: bytes });
});

it.each([
  ['resets', (client: Socket) => client.resetAndDestroy()],
  ['ends', (client: Socket) => client.end()],
])('ends a connection whose client %s it at once', async (_how, leave) => {
  const { port } = await serve((socket) => socket.on('data', () => {}).on('end', () => socket.end()));
  const tunnel = await open(port);
  const client = join(tunnel);
  client.on('connect', () => leave(client));
  await until(() => ended().length === 2 && tunnel.open() === 0);
  expect(ended()).toEqual(['ok', 'ok']);
});

describe('at the end', () => {
  it('waits for open connections, and accepts no new ones', async () => {
    const { port } = await serve((socket) => socket.pipe(socket));
    const tunnel = await open(port);
    const client = join(tunnel, { allowHalfOpen: true });
    client.write('a');
    await once(client, 'data');
    const stopped = tunnel.stop(scaledMs(60_000));
    const late = join(tunnel);
    expect(await errorOf(late)).toBe('ECONNREFUSED');
    client.end('b');
    expect(await textOf(client)).toBe('b');
    await stopped;
    expect(ended()).toEqual(['ok', 'ok']);
    await until(() => bastion.connections() === 0);
  });

  it('resets what is still open after its grace, or when it is cut', async () => {
    const { port } = await serve((socket) => socket.write('x'));
    const tunnel = await open(port);
    const client = join(tunnel);
    await once(client, 'data');
    const code = errorOf(client);
    const stopped = tunnel.stop(scaledMs(600_000));
    tunnel.cut();
    await stopped;
    expect(await code).toBe('ECONNRESET');
    expect(ended()).toEqual(['ok', 'cut']);

    const other = await open(port);
    const second = join(other);
    await once(second, 'data');
    await other.stop(1);
    expect(ended().at(-1)).toBe('cut');
  });
});

it('keeps little in memory for a reader that is slow, and others go on beside it', async () => {
  const chunk = Buffer.alloc(64 * 1024, 7);
  const total = 96 * 1024 * 1024;
  let written = 0;
  const { port } = await serve((socket) => {
    const write = () => {
      while (written < total) {
        written += chunk.length;
        if (!socket.write(chunk)) return void socket.once('drain', write);
      }
      socket.end();
    };
    socket.once('data', (text) => (String(text) === 'much' ? write() : socket.end('quick')));
  });
  const tunnel = await open(port);
  const slow = join(tunnel);
  slow.pause();
  slow.write('much');
  let before = -1;
  // Until nothing moves any more: every buffer on the way is full.
  while (before !== written) {
    before = written;
    const other = join(tunnel);
    other.write('a little');
    expect(await textOf(other)).toBe('quick');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(written).toBeLessThan(total / 2);
  const hash = createHash('sha256');
  let received = 0;
  slow.on('data', (data: Buffer) => {
    received += data.length;
    hash.update(data);
  });
  slow.resume();
  await once(slow, 'end');
  expect(received).toBe(total);
  expect(hash.digest('hex')).toBe(createHash('sha256').update(Buffer.alloc(total, 7)).digest('hex'));
});
