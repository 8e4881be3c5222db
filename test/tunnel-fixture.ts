// A tunnel through the fake bastion of a test, to a service of that test.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach } from 'vitest';
import { createKeyring } from '../adapters/ssh/keyring.ts';
import { createPinnedKeys } from '../adapters/ssh/known-hosts-file.ts';
import { type LocalTunnel, type LocalTunnelOptions, openLocalTunnel } from '../adapters/tunnel/tunnel.ts';
import type { AuditEntry } from '../core/model/audit.ts';
import type { Audit } from '../core/ports.ts';
import { bastionConfig, SESSIONS, targetOf } from './prober-fixture.ts';
import { bastion, healthyNode, keep, useBastion } from './prober-fleet.ts';
import { createRecordingLogger } from './recording-logger.ts';
import { CLIENT_KEY, type FakeNode } from './ssh-fleet.ts';

/** What the running test has in its audit and log. */
export let lines: AuditEntry[];
export let log: ReturnType<typeof createRecordingLogger>;
/** The node of the newest tunnel. */
export let node: FakeNode;
const clients: Socket[] = [];

/** Called once by each file of tests. */
export function useTunnels(): void {
  useBastion();
  beforeEach(() => {
    lines = [];
    log = createRecordingLogger();
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy();
  });
}

export const memoryAudit: Audit = {
  append: async (entries) => void lines.push(...entries),
  head: () => ({ writer: 'test', sequence: 0, hash: '' }),
  close: async () => {},
};

/** A service behind the bastion. */
export async function serve(
  onConnection: (socket: Socket) => void,
): Promise<{ port: number; server: Server }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await keep(
    Promise.resolve({
      async close() {
        for (const socket of sockets) socket.destroy();
        server.close();
      },
    }),
  );
  return { port: (server.address() as { port: number }).port, server };
}

export async function open(port: number, changes: Partial<LocalTunnelOptions> = {}): Promise<LocalTunnel> {
  node = await healthyNode();
  const hop = bastionConfig(bastion);
  const config = { bastions: [hop], clusters: [{ name: 'c', bastion: 'b', nodes: [] }] };
  const secrets = { resolve: async () => CLIENT_KEY, redact: (text: string) => text };
  const tunnel = await openLocalTunnel({
    bastion: hop,
    target: targetOf('n', node),
    via: 'bastion',
    service: { host: '127.0.0.1', port },
    local: { port: 0 },
    sessions: SESSIONS,
    keyring: createKeyring(config, secrets),
    hostKeys: createPinnedKeys('/nonexistent/known_hosts'),
    accessor: { kind: 'tunnel', actor: 'cli:test', unverifiedActor: 'kim' },
    nowMs: Date.now,
    audit: memoryAudit,
    logger: log,
    ...changes,
  });
  return keep(Promise.resolve(Object.assign(tunnel, { close: () => tunnel.stop(0) })));
}

export function join({ end }: LocalTunnel, options: { allowHalfOpen?: boolean } = {}): Socket {
  const client =
    'socket' in end
      ? connect({ path: end.socket, ...options })
      : connect({ port: end.port, host: '127.0.0.1', ...options });
  clients.push(client);
  client.on('error', () => {});
  return client;
}

export async function textOf(client: Socket): Promise<string> {
  let text = '';
  client.on('data', (chunk) => {
    text += chunk;
  });
  await once(client, 'end');
  return text;
}

export const ended = () => lines.filter(({ event }) => event === 'closed').map(({ outcome }) => outcome);
export const errorOf = async (client: Socket) =>
  ((await once(client, 'error')) as [NodeJS.ErrnoException])[0].code;
