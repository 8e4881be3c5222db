import { once } from 'node:events';
import { existsSync, linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type LocalEnd, type LocalListener, listenLocally } from './local-listener.ts';

let dir: string;
const listeners: LocalListener[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-listener-'));
});
afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close();
  rmSync(dir, { recursive: true });
});

async function listen(end: LocalEnd, onConnection: (socket: Socket) => void = (socket) => socket.destroy()) {
  const listener = await listenLocally(end, onConnection);
  listeners.push(listener);
  return listener;
}

const portOf = ({ end }: LocalListener) => ('port' in end ? end.port : 0);
const path = () => join(dir, 'api.sock');

it('listens on loopback, on any free port for 0', async () => {
  const listener = await listen({ port: 0 });
  expect(portOf(listener)).toBeGreaterThan(1023);
  const socket = connect(portOf(listener), '127.0.0.1');
  await once(socket, 'close');
});

it('a port in use is an error that names it and the option', async () => {
  const port = portOf(await listen({ port: 0 }));
  await expect(listenLocally({ port }, () => {})).rejects.toThrow(
    `port ${port} of this machine is in use; choose another one with --local, or any free one with --local 0`,
  );
});

it('a port that another program has on all addresses is in use', async () => {
  const other: Server = createServer();
  await new Promise<void>((resolve) => other.listen(0, '0.0.0.0', resolve));
  const { port } = other.address() as { port: number };
  await expect(listenLocally({ port }, () => {})).rejects.toThrow('is in use');
  other.close();
});

it('a Unix socket is for our user alone, and is removed at the end', async () => {
  const before = process.umask(0);
  try {
    const listener = await listen({ socket: path() });
    expect((statSync(path()).mode & 0o777).toString(8)).toBe('600');
    const socket = connect(path());
    await once(socket, 'close');
    await listener.close();
    expect(existsSync(path())).toBe(false);
    expect(process.umask()).toBe(0);
  } finally {
    process.umask(before);
  }
});

it('takes the place of a socket on which nobody listens', async () => {
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(join(dir, 'first'), resolve));
  // Node removes the name under which it listened, and a killed process none.
  linkSync(join(dir, 'first'), path());
  await new Promise<void>((resolve) => dead.close(() => resolve()));
  expect(statSync(path()).isSocket()).toBe(true);
  const listener = await listen({ socket: path() });
  expect(listener.end).toEqual({ socket: path() });
});

it.each([
  ['a socket in use', async () => void (await listen({ socket: path() })), 'is in use, or is no socket'],
  ['a file', async () => writeFileSync(path(), 'text'), 'is in use, or is no socket'],
  ['a missing folder', async () => rmSync(dir, { recursive: true }), 'the folder of'],
])('%s is an error, and stays as it is', async (_what, prepare, message) => {
  await prepare();
  const before = existsSync(path()) && statSync(path()).ino;
  await expect(listenLocally({ socket: path() }, () => {})).rejects.toThrow(message);
  expect(existsSync(path()) && statSync(path()).ino).toBe(before);
  if (!existsSync(dir)) dir = mkdtempSync(join(tmpdir(), 'bartizan-listener-'));
});

it('a path that is too long is an error', async () => {
  await expect(listenLocally({ socket: join(dir, 'x'.repeat(200)) }, () => {})).rejects.toThrow('too long');
});

it('closing keeps open connections', async () => {
  const sockets: Socket[] = [];
  const listener = await listen({ port: 0 }, (socket) => sockets.push(socket));
  const client = connect(portOf(listener), '127.0.0.1');
  await once(client, 'connect');
  while (sockets.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await listener.close();
  await listener.close();
  const answered = once(client, 'data');
  sockets[0]?.write('still there');
  expect(String((await answered)[0])).toBe('still there');
  client.destroy();
  sockets[0]?.destroy();
  await expect(
    new Promise((_, reject) => connect(portOf(listener), '127.0.0.1').on('error', reject)),
  ).rejects.toThrow('ECONNREFUSED');
});
