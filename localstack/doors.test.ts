import { Agent, createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import axios from 'axios';
import { afterEach, expect, it } from 'vitest';
import { type Doors, openDoors } from './doors.ts';

const opened: (Doors | Server)[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await ('stop' in one ? one.stop() : one.close());
});

it('lead from another address of this machine to what listens on 127.0.0.1, until they are closed', async () => {
  const standIn = createHttpServer((_, response) => response.end('seen'));
  await new Promise<void>((resolve) => standIn.listen(0, '127.0.0.1', resolve));
  opened.push(standIn);
  const { port } = standIn.address() as AddressInfo;
  const doors = await openDoors('127.0.0.2', [port]);
  opened.push(doors);
  const see = () => axios.get(`http://${doors.host}:${port}/`, { proxy: false, httpAgent: new Agent() });
  expect((await see()).data).toBe('seen');
  await doors.stop();
  await expect(see()).rejects.toThrow('ECONNREFUSED');
});

it('are none where functions run on this machine, or where a name leads there', async () => {
  expect((await openDoors(undefined, [1])).host).toBe('127.0.0.1');
  expect((await openDoors('host.docker.internal', [1])).host).toBe('host.docker.internal');
});

it('say what is wrong with an address', async () => {
  await expect(openDoors('192.0.2.1', [40_000])).rejects.toThrow(
    /^STAND_INS_HOST=192\.0\.2\.1: .*; is the network of containers up\?$/,
  );
  await expect(openDoors('0.0.0.0', [40_000])).rejects.toThrow('every address');
});

it('leave none open where one cannot be opened', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.2', resolve));
  opened.push(taken);
  const { port } = taken.address() as AddressInfo;
  await expect(openDoors('127.0.0.2', [port + 1, port])).rejects.toThrow('EADDRINUSE');
  const again = await openDoors('127.0.0.2', [port + 1]);
  opened.push(again);
});
