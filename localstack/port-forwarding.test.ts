import { Agent, createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import axios from 'axios';
import { afterEach, expect, it } from 'vitest';
import { forwardPorts, type PortForwarding } from './port-forwarding.ts';

const opened: (PortForwarding | Server)[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await ('stop' in one ? one.stop() : one.close());
});

it('forwarded ports lead from another address of this machine to 127.0.0.1, until they are closed', async () => {
  const timestream = createHttpServer((_, response) => response.end('seen'));
  await new Promise<void>((resolve) => timestream.listen(0, '127.0.0.1', resolve));
  opened.push(timestream);
  const { port } = timestream.address() as AddressInfo;
  const forwarding = await forwardPorts('127.0.0.2', [port]);
  opened.push(forwarding);
  const see = () => axios.get(`http://${forwarding.host}:${port}/`, { proxy: false, httpAgent: new Agent() });
  expect((await see()).data).toBe('seen');
  await forwarding.stop();
  await expect(see()).rejects.toThrow('ECONNREFUSED');
});

it('no port is forwarded when functions run on this machine, or when a name leads there', async () => {
  expect((await forwardPorts(undefined, [1])).host).toBe('127.0.0.1');
  expect((await forwardPorts('host.docker.internal', [1])).host).toBe('host.docker.internal');
});

it('an invalid address is reported with the reason', async () => {
  await expect(forwardPorts('192.0.2.1', [40_000])).rejects.toThrow(
    /^STAND_INS_HOST=192\.0\.2\.1: .*; is the network of containers up\?$/,
  );
  await expect(forwardPorts('0.0.0.0', [40_000])).rejects.toThrow('every address');
});

it('no port stays open when one cannot be opened', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.2', resolve));
  opened.push(taken);
  const { port } = taken.address() as AddressInfo;
  await expect(forwardPorts('127.0.0.2', [port + 1, port])).rejects.toThrow('EADDRINUSE');
  const again = await forwardPorts('127.0.0.2', [port + 1]);
  opened.push(again);
});
