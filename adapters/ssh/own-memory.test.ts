import { once } from 'node:events';
import { connect } from 'node:net';
import type { Client, Connection, ServerConfig } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { answer, output } from '../../test/node-behaviour.ts';
import { USER } from '../../test/prober-fixture.ts';
import { keep } from '../../test/prober-fleet.ts';
import { CLIENT_KEY, startFakeNode } from '../../test/ssh-fleet.ts';
import { openCommand, runScript } from './command.ts';
import { parsePrivateKey } from './private-keys.ts';
import { openSession } from './session.ts';

interface Internals {
  _protocol: object;
}

/** Names of the buffers of a session that are part of a larger piece of memory, which lasts as long as they do. */
function sharedBuffers(client: Client): string[] {
  const seen = new Set<unknown>();
  const walk = (value: unknown, name: string): string[] => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return [];
    seen.add(value);
    if (Buffer.isBuffer(value)) return value.buffer.byteLength > 4_096 ? [name] : [];
    return Object.entries(value).flatMap(([key, field]) => walk(field, `${name}.${key}`));
  };
  return walk((client as unknown as Internals)._protocol, '');
}

async function setup(algorithms: ServerConfig['algorithms']) {
  const connections: Connection[] = [];
  const node = await keep(
    startFakeNode((channel) => answer(channel, output(0)), {
      meet: (connection) => connections.push(connection),
      algorithms,
    }),
  );
  const [type = '', base64 = ''] = node.hostKey.split(' ');
  const session = await openSession({
    stream: connect(node.port, node.host),
    user: USER,
    key: { key: parsePrivateKey(CLIENT_KEY, 'key') },
    pinned: { accepted: [{ type, base64 }], revoked: [] },
    phase: 'handshake',
    deadlineMs: 60_000,
  });
  return { session, server: connections[0] as Connection };
}

describe('a session that is kept has its small buffers in memory of its own', () => {
  it.each([
    ['aes128-gcm@openssh.com', 'hmac-sha2-256'],
    ['aes256-ctr', 'hmac-sha2-256-etm@openssh.com'],
    ['aes256-ctr', 'hmac-sha2-512'],
  ])('%s, %s', async (cipher, hmac) => {
    const algorithms = { cipher: [cipher], hmac: [hmac] } as ServerConfig['algorithms'];
    const { session, server } = await setup(algorithms);
    const script = { name: 'x', text: 'echo\n', sha256: '', end: 'end' };
    const limits = { deadlineMs: 60_000, maxBytes: 100_000, nowMs: () => 0 };
    const run = async () => runScript(await openCommand(session, 60_000, () => 0), script, limits);
    await run();
    expect(sharedBuffers(session.client)).toEqual([]);
    const rekeyed = once(session.client, 'handshake');
    server.rekey();
    await rekeyed;
    // The session still works with the buffers that were moved.
    expect((await run()).bytes).toBeGreaterThan(0);
    expect(sharedBuffers(session.client)).toEqual([]);
    session.destroy();
  });
});
