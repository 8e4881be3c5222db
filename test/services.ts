// Services behind the bastion, for tests of the checks that ask them. Each is closed after its test.
import http, { type RequestListener } from 'node:http';
import https, { type ServerOptions } from 'node:https';
import { createServer, type Server, type Socket } from 'node:net';
import type { Observation } from '../core/model/observation.ts';
import type { Target } from '../core/model/target.ts';
import { targetOf } from './prober-fixture.ts';
import { bastion, keep } from './prober-fleet.ts';

/** Listens on a port of loopback. */
export async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await keep(
    Promise.resolve({
      close: async () => {
        for (const socket of sockets) socket.destroy();
        server.close();
      },
    }),
  );
  return (server.address() as { port: number }).port;
}

export const serveHttp = (answer: RequestListener) => listen(http.createServer(answer));

export const serveTls = (options: ServerOptions, answer: RequestListener) =>
  listen(https.createServer(options, answer).on('tlsClientError', () => {}));

/** A server that does what `behave` does once something arrives. */
export const serveRaw = (behave: (socket: Socket) => void) =>
  listen(createServer((socket) => void socket.once('data', () => behave(socket))));

/** A port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** A node that has services, and no SSH server. */
export const serviceNode = (host = '127.0.0.1'): Target =>
  targetOf('n', { host, port: 1, hostKey: bastion.hostKey });

/** What one check found, as lines: `metric{own labels} value`, in order of names; or its failure. */
export function foundBy(observations: readonly Observation[], check: string, node = 'n'): string[] {
  const observation = observations.find((one) => one.check === check && one.target.node === node);
  if (!observation) return ['nothing'];
  const { result } = observation;
  if (!result.ok) return [`failed: ${result.failure.reason}/${result.failure.phase}`];
  return result.samples
    .filter(({ metric }) => metric !== 'label_sets_dropped')
    .map(({ metric, labels: { cluster, node: _, role, check: _own, ...own }, value }) => {
      const text = Object.values(own).join(',');
      return `${metric}${text === '' ? '' : `{${text}}`} ${value}`;
    })
    .sort();
}

/** The notes of a check, or the text of its failure. */
export function notesOf(observations: readonly Observation[], check: string, node = 'n'): string[] {
  const result = observations.find((one) => one.check === check && one.target.node === node)?.result;
  if (!result) return [];
  return result.ok ? [...result.notes] : [result.failure.detail];
}
