// Servers and the HTTP client that reaches them through the bastion of a test.
import type { RequestListener } from 'node:http';
import type { Server, Socket } from 'node:net';
import { afterEach } from 'vitest';
import { createHttpClient, type HttpRequest } from '../adapters/probes/http-client.ts';
import type { Tunnel } from '../adapters/ssh/tunnel.ts';
import { keep, setupBastionConnection, useBastion } from './prober-fleet.ts';

const DEADLINES = { bastionMs: 10_000, dialMs: 10_000, handshakeMs: 10_000, execMs: 10_000 };

/** Connections that servers of the running test accepted. */
export const openSockets = new Set<Socket>();

/** Called once by each file of tests. */
export function useHttpPeers(): void {
  useBastion();
  afterEach(() => {
    for (const socket of openSockets) socket.destroy();
    openSockets.clear();
  });
}

/** Starts the server on loopback; it ends with the test. */
export async function listen(made: Server): Promise<number> {
  made.on('connection', (socket: Socket) => {
    openSockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  await keep(Promise.resolve({ close: async () => void made.close() }));
  return (made.address() as { port: number }).port;
}

/** A client that reaches the port through the bastion of the test. */
export async function setup(port: number) {
  const connection = await setupBastionConnection();
  const client = createHttpClient();
  const tunnels: Tunnel[] = [];
  const peer = {
    key: 'k',
    host: '127.0.0.1',
    port,
    open: async () => {
      const tunnel = await connection.dial({ host: '127.0.0.1', port });
      tunnels.push(tunnel);
      return tunnel;
    },
  };
  const get = (request: Partial<HttpRequest> = {}) =>
    client.request(peer, { path: '/', maxBytes: 65_536, ...request }, DEADLINES);
  const listeners = () => tunnels.map(({ stream }) => stream.listenerCount('close'));
  return { get, dials: () => tunnels.length, listeners };
}

/** Answers each request so. */
export const answering =
  (body: string | Buffer, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(200, headers);
    response.end(body);
  };
