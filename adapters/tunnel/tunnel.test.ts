import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../core/model/audit.ts';
import { bastion, until } from '../../test/prober-fleet.ts';
import {
  ended,
  errorOf,
  join,
  lines,
  log,
  memoryAudit,
  node,
  open,
  serve,
  textOf,
  useTunnels,
} from '../../test/tunnel-fixture.ts';
import { listenLocally } from './local-listener.ts';
import type { LocalTunnel } from './tunnel.ts';

useTunnels();

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

it('resets connections when the session with the node is lost, though the bastion lives', async () => {
  const { port } = await serve((socket) => socket.write('x'));
  const tunnel = await open(port, { via: 'node' });
  const client = join(tunnel);
  await once(client, 'data');
  const code = errorOf(client);
  node.cut();
  expect(await code).toBe('ECONNRESET');
  const next = join(tunnel);
  expect(String((await once(next, 'data'))[0])).toBe('x');
  expect([ended(), node.logins]).toEqual([['ok', 'protocol'], 2]);
});

it('ends a connection whose client reads nothing, too, when the session is lost', async () => {
  const { port } = await serve((socket) => socket.write(Buffer.alloc(32 * 1024 * 1024)));
  const tunnel = await open(port);
  const client = join(tunnel);
  client.pause();
  await until(() => tunnel.totals().connections === 1);
  bastion.kill();
  await until(() => tunnel.open() === 0);
  expect(ended()).toEqual(['ok', 'protocol']);
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
  it('where the service refuses the connection', async () => {
    const { port, server } = await serve(() => {});
    const local = (await serve(() => {})).server;
    const free = (local.address() as { port: number }).port;
    local.close();
    server.close();
    await expect(open(port, { local: { port: free } })).rejects.toThrow(
      `the bastion did not reach 127.0.0.1:${port}`,
    );
    await (await listenLocally({ port: free }, () => {})).close();
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
    const tunnel = await opening;
    expect(await textOf(join(tunnel))).toBe('x');
    expect(tunnel.totals().refused).toBe(0);
    expect(log.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });
});
