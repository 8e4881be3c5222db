import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../core/model/audit.ts';
import type { Audit } from '../../core/ports.ts';
import { scaledMs } from '../../test/machine-speed.ts';
import { bastionConfig, targetOf } from '../../test/prober-fixture.ts';
import { bastion, healthyNode, keep, until, useBastion } from '../../test/prober-fleet.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { CLIENT_KEY } from '../../test/ssh-fleet.ts';
import { createKeyring } from '../ssh/keyring.ts';
import { createPinnedKeys } from '../ssh/known-hosts-file.ts';
import { type LocalTunnel, type LocalTunnelOptions, openLocalTunnel } from './tunnel.ts';

useBastion();

let lines: AuditEntry[];
let log: ReturnType<typeof createRecordingLogger>;
const clients: Socket[] = [];
beforeEach(() => {
  lines = [];
  log = createRecordingLogger();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

const memoryAudit: Audit = {
  append: async (entries) => void lines.push(...entries),
  head: () => ({ writer: 'test', sequence: 0, hash: '' }),
  close: async () => {},
};

/** A service behind the bastion. */
async function serve(onConnection: (socket: Socket) => void): Promise<{ port: number; server: Server }> {
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

async function open(port: number, changes: Partial<LocalTunnelOptions> = {}): Promise<LocalTunnel> {
  const node = await healthyNode();
  const hop = bastionConfig(bastion);
  const config = { bastions: [hop], clusters: [{ name: 'c', bastion: 'b', nodes: [] }] };
  const secrets = { resolve: async () => CLIENT_KEY, redact: (text: string) => text };
  const tunnel = await openLocalTunnel({
    bastion: hop,
    target: targetOf('n', node),
    via: 'bastion',
    service: { host: '127.0.0.1', port },
    local: { port: 0 },
    sessions: { renewMs: 600_000, door: false },
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

function join({ end }: LocalTunnel, options: { allowHalfOpen?: boolean } = {}): Socket {
  const client =
    'socket' in end
      ? connect({ path: end.socket, ...options })
      : connect({ port: end.port, host: '127.0.0.1', ...options });
  clients.push(client);
  client.on('error', () => {});
  return client;
}

async function textOf(client: Socket): Promise<string> {
  let text = '';
  client.on('data', (chunk) => {
    text += chunk;
  });
  await once(client, 'end');
  return text;
}

const ended = () => lines.filter(({ event }) => event === 'closed').map(({ outcome }) => outcome);
const errorOf = async (client: Socket) => ((await once(client, 'error')) as [NodeJS.ErrnoException])[0].code;

describe.each(['bastion', 'node'] as const)('through the %s', (via) => {
  it('passes on what both sides send, and the end of each direction by itself', async () => {
    const { port } = await serve((socket) => {
      let asked = '';
      socket.on('data', (chunk) => {
        asked += chunk;
      });
      // Answers once the other side has ended its half.
      socket.on('end', () => socket.end(`you sent ${asked}`));
    });
    const tunnel = await open(port, { via });
    const client = join(tunnel, { allowHalfOpen: true });
    client.end('hello');
    expect(await textOf(client)).toBe('you sent hello');
    await until(() => ended().length === 2);
    expect(tunnel.totals()).toEqual({ connections: 1, bytes: 14, bytesSent: 5, refused: 0 });
  });

  it('passes on the end of the service first', async () => {
    const received: string[] = [];
    const { port } = await serve((socket) => {
      socket.end('bye');
      socket.on('data', (chunk) => received.push(String(chunk)));
    });
    const client = join(await open(port, { via }), { allowHalfOpen: true });
    expect(await textOf(client)).toBe('bye');
    client.end('later');
    await until(() => received.join('') === 'later');
  });

  it('carries many connections at the same time, each with its own bytes', async () => {
    const { port } = await serve((socket) => socket.pipe(socket));
    const tunnel = await open(port, { via });
    const texts = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const client = join(tunnel, { allowHalfOpen: true });
        client.end(`${i} `.repeat(5_000));
        return textOf(client);
      }),
    );
    expect(texts.map((text) => new Set(text.trim().split(' ')))).toEqual(
      Array.from({ length: 100 }, (_, i) => new Set([`${i}`])),
    );
    expect(tunnel.totals().connections).toBe(100);
  });

  it('resets connections when the session is lost, and opens it again for new ones', async () => {
    const { port } = await serve((socket) => socket.write('x'));
    const tunnel = await open(port, { via });
    const client = join(tunnel);
    await once(client, 'data');
    const code = errorOf(client);
    bastion.kill();
    expect(await code).toBe('ECONNRESET');
    const next = join(tunnel);
    expect(String((await once(next, 'data'))[0])).toBe('x');
    expect(ended()).toEqual(['ok', 'protocol']);
    expect(bastion.logins).toBe(2);
  });
});

it('writes a line before a connection reaches the service, and one after its end', async () => {
  let atService: (AuditEntry | undefined)[] = [];
  const { port } = await serve((socket) => {
    atService = [...lines];
    socket.end('1234567');
  });
  const tunnel = await open(port);
  const client = join(tunnel);
  client.write('abc');
  await textOf(client);
  await until(() => ended().length === 2);
  const connection = lines.at(-1)?.connection;
  expect(atService.at(-1)).toMatchObject({ event: 'opened', connection });
  expect(lines).toMatchObject([
    // The login to the bastion, then the connection of the first try.
    { outcome: 'ok' },
    { event: 'opened', outcome: 'opened' },
    { event: 'closed', outcome: 'ok', connection: lines[1]?.connection, bytes: 0, bytesSent: 0 },
    { event: 'opened', outcome: 'opened', durationMs: 0, bytes: 0 },
    { event: 'closed', outcome: 'ok', connection: lines[3]?.connection, bytes: 7, bytesSent: 3 },
  ]);
  for (const line of lines)
    expect(line).toMatchObject({ kind: 'tunnel', actor: 'cli:test', unverifiedActor: 'kim', bastion: 'b' });
  for (const line of lines.slice(1))
    expect(line).toMatchObject({
      target: 'c/n',
      command: `bastion → 127.0.0.1:${port}`,
      hostKeyFingerprint: expect.stringMatching(/^SHA256:/),
    });
});

it('with a node the login there has its line, too', async () => {
  const { port } = await serve((socket) => socket.end());
  await open(port, { via: 'node' });
  expect(lines.slice(0, 3)).toMatchObject([
    { outcome: 'ok' },
    { target: 'c/n', outcome: 'ok' },
    { target: 'c/n', event: 'opened', command: `node → 127.0.0.1:${port}` },
  ]);
  expect(lines[1]?.hostKeyFingerprint).not.toBe(lines[0]?.hostKeyFingerprint);
});

describe('is an error before it is open', () => {
  const listening = (port: number) =>
    new Promise((resolve) => {
      const client = connect(port, '127.0.0.1', () => resolve(true));
      clients.push(client);
      client.on('error', () => resolve(false));
    });

  it('where the service refuses the connection', async () => {
    const { port, server } = await serve(() => {});
    const local = (await serve(() => {})).server;
    const free = (local.address() as { port: number }).port;
    local.close();
    server.close();
    await expect(open(port, { local: { port: free } })).rejects.toThrow(
      `the bastion did not reach 127.0.0.1:${port}`,
    );
    expect(await listening(free)).toBe(false);
    expect(ended()).toEqual(['unreachable']);
    await until(() => bastion.connections() === 0);
  });

  it('where the bastion forbids it', async () => {
    const { port } = await serve(() => {});
    bastion.forbid(port);
    await expect(open(port)).rejects.toThrow(`forbids forwarding to 127.0.0.1:${port}`);
    expect(ended()).toEqual(['forbidden']);
  });

  it('where the local port is in use, without a login', async () => {
    const { port } = await serve(() => {});
    await expect(open(port, { local: { port } })).rejects.toThrow('of this machine is in use');
    expect([bastion.logins, lines]).toEqual([0, []]);
  });

  it('where the audit cannot be written', async () => {
    const { port } = await serve(() => {});
    const audit = { ...memoryAudit, append: () => Promise.reject(new Error('the disk is full')) };
    await expect(open(port, { audit })).rejects.toThrow('the disk is full');
    expect(bastion.dialled).toEqual([]);
  });

  it('and connections that come meanwhile are reset', async () => {
    const { port } = await serve((socket) => socket.end('x'));
    const local = (await serve(() => {})).server;
    const free = (local.address() as { port: number }).port;
    await new Promise((resolve) => local.close(resolve));
    bastion.hold(port);
    const opening = open(port, { local: { port: free } });
    await until(() => bastion.dialled.length === 1);
    const early = join({ end: { port: free } } as LocalTunnel);
    expect(await errorOf(early)).toBe('ECONNRESET');
    bastion.release();
    expect(await textOf(join(await opening))).toBe('x');
  });
});

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
