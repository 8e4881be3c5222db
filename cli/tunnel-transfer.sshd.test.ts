// Much data through a tunnel over real OpenSSH servers that renew the keys of their sessions often.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { useServers } from '../test/openssh/servers.ts';
import { createTunnelFixture, type TunnelFixture } from '../test/openssh/tunnel-fixture.ts';

useServers();

const MIB = 1024 * 1024;
const BYTES = 192 * MIB;
/** Beside what the program takes before: windows and buffers of two hops. */
const MOST_KB = 160 * 1024;
const servers: Server[] = [];
const ports: number[] = [];
let fixture: TunnelFixture;

beforeAll(async () => {
  for (const host of ['127.0.0.2', '127.0.0.1']) {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    server.listen(0, host);
    await once(server, 'listening');
    servers.push(server);
    ports.push((server.address() as AddressInfo).port);
  }
  fixture = await createTunnelFixture(
    'transfer',
    `[{ name: far, probe: tcp, port: ${ports[0]} }, { name: near, probe: tcp, via: node, port: ${ports[1]} }]`,
    '127.0.0.2',
    { sshdConfig: ['RekeyLimit 16M 3s'] },
  );
});
afterAll(() => {
  fixture?.close();
  for (const server of servers) server.close();
});

/** Peak of a process, in KB. */
const peakOf = (pid: number) =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** Bytes that show by themselves where they belong. */
function* numbered(): Generator<Buffer> {
  for (let at = 0; at < BYTES; at += MIB) {
    const chunk = Buffer.alloc(MIB);
    for (let i = 0; i < MIB; i += 4) chunk.writeUInt32LE(at + i, i);
    yield chunk;
  }
}

it.each([
  ['bastion', 0],
  ['node', 1],
] as const)('through the %s both ways at the same time, within bounds of memory', async (_via, service) => {
  const tunnel = await fixture.tunnel('n1', `${ports[service]}`, '--local', '0');
  const { pid, local } = tunnel.open;
  const before = peakOf(pid);
  const client = connect({ port: local.port ?? 0, host: '127.0.0.1', allowHalfOpen: true });
  let received = 0;
  let wrong = 0;
  let rest = Buffer.alloc(0);
  client.on('data', (data) => {
    const bytes = Buffer.concat([rest, data as Buffer]);
    const whole = bytes.length - (bytes.length % 4);
    for (let i = 0; i < whole; i += 4) if (bytes.readUInt32LE(i) !== received + i) wrong++;
    received += whole;
    rest = bytes.subarray(whole);
  });
  const ended = once(client, 'end');
  for (const chunk of numbered()) if (!client.write(chunk)) await once(client, 'drain');
  client.end();
  await ended;
  expect([received, wrong]).toEqual([BYTES, 0]);
  expect(peakOf(pid) - before).toBeLessThan(MOST_KB);
  expect(await tunnel.stop()).toBe(0);
  expect(fixture.audit().at(-1)).toMatchObject({
    event: 'closed',
    outcome: 'ok',
    bytes: BYTES,
    bytesSent: BYTES,
  });
});
