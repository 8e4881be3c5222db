// Requests that a node makes for us, over its session.
import http, { type RequestListener } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../core/model/audit.ts';
import { bastionConfig, targetOf } from '../../test/prober-fixture.ts';
import { bastion, healthyNode, keep, until, useBastion } from '../../test/prober-fleet.ts';
import { CLIENT_KEY, type FakeNode } from '../../test/ssh-fleet.ts';
import { openBastionConnection } from '../ssh/bastion-connection.ts';
import { parseHostKey } from '../ssh/host-keys.ts';
import { createPenalties } from '../ssh/penalties.ts';
import { parsePrivateKey } from '../ssh/private-keys.ts';
import type { HttpRequest } from './http-client.ts';
import { createNodeHandle } from './node-handle.ts';
import { createScriptForms } from './script-forms.ts';

useBastion();

const MINUTE = 60_000;

async function serve(listener: RequestListener): Promise<number> {
  const server = http.createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await keep(
    Promise.resolve({
      close: async () => {
        server.closeAllConnections();
        server.close();
      },
    }),
  );
  return (server.address() as { port: number }).port;
}

const answering =
  (body: string): RequestListener =>
  (_request, response) =>
    void response.end(body);

/** A connection to the bastion of the test over rounds, each of which asks the node's service once or more. */
async function setup(node: FakeNode, { renewMs = 1_000 * MINUTE, door = false } = {}) {
  const config = bastionConfig(bastion, { deadlines: { dialMs: 500 } });
  const key = { key: parsePrivateKey(CLIENT_KEY, 'the key of the test') };
  const audit: AuditEntry[] = [];
  let roundMs = 1_000 * MINUTE;
  const nowMs = () => roundMs;
  const connection = await openBastionConnection({
    bastion: config,
    key,
    pinned: { accepted: [parseHostKey(bastion.hostKey)], revoked: [] },
    nowMs,
    count: () => {},
    sessions: { renewMs, door },
  });
  await keep(Promise.resolve({ close: async () => connection.destroy() }));
  const { deadlines } = config;
  const penalties = createPenalties(nowMs);
  const round = async (port: number, request: Partial<HttpRequest> = {}, times = 1, afterMs = MINUTE) => {
    roundMs += afterMs;
    const pinned = { accepted: [parseHostKey(node.hostKey)], revoked: [] };
    const access = {
      target: targetOf('n', node),
      key,
      pinned,
      roundMs,
      deadlines: { ...deadlines, leftMs: deadlines.execMs },
      penalties,
    };
    const who = { kind: 'probe', actor: 'test' } as const;
    const forms = createScriptForms()(undefined);
    const context = { connection, bastion: config, roundMs, nowMs, ...who, resampleAfterMs: 0, forms };
    const { handle, login, finish } = createNodeHandle(
      { ...context, audit: (entry) => void audit.push(entry) },
      access,
    );
    try {
      let answer = await handle.request({ via: 'node', port }, { path: '/', maxBytes: 65_536, ...request });
      for (let i = 1; i < times; i++)
        answer = await handle.request({ via: 'node', port }, { path: '/', maxBytes: 65_536, ...request });
      return { ...answer, login: login() };
    } catch (error) {
      return { failure: (error as { failure?: unknown }).failure ?? error };
    } finally {
      finish();
    }
  };
  return { round, audit };
}

describe('requests from a node', () => {
  it('share one session and one connection over rounds, and are in the audit', async () => {
    const node = await healthyNode();
    const port = await serve(answering('ok'));
    const { round, audit } = await setup(node);
    for (let i = 0; i < 3; i++) expect(await round(port, {}, 2)).toMatchObject({ status: 200, body: 'ok' });
    expect(node.logins).toBe(1);
    expect(node.dialled).toEqual([`127.0.0.1:${port}`]);
    expect(audit).toHaveLength(3);
    const name = `GET http://127.0.0.1:${port}/ via node`;
    expect(audit[0]).toMatchObject({ target: 'c/n', command: `${name}, ${name}`, outcome: 'ok', bytes: 4 });
    expect(audit[0]?.hostKeyFingerprint).toMatch(/^SHA256:/);
  });

  it('may take more than the output of a script over rounds, and over one round', async () => {
    const node = await healthyNode();
    const port = await serve(answering('x'.repeat(300_000)));
    const { round } = await setup(node);
    for (let i = 0; i < 20; i++)
      expect(await round(port, { maxBytes: 400_000 }, 2)).toMatchObject({ bytes: 300_000 });
    expect(node.logins).toBe(1);
    expect(node.dialled).toHaveLength(1);
  });

  it('cut a body that is too long, and keep the session', async () => {
    const node = await healthyNode();
    const port = await serve(answering('x'.repeat(8_000_000)));
    const small = await serve(answering('ok'));
    const { round } = await setup(node);
    expect(await round(port)).toMatchObject({ isCut: true });
    expect(await round(small)).toMatchObject({ body: 'ok' });
    expect(node.logins).toBe(1);
  });

  it.each([
    ['went away', (node: FakeNode) => node.cut()],
    ['is silent', (node: FakeNode) => node.freeze()],
  ])('log in anew where the session of the last round %s', async (_, happen) => {
    const node = await healthyNode();
    const port = await serve(answering('ok'));
    const { round } = await setup(node);
    await round(port);
    happen(node);
    expect(await round(port)).toMatchObject({ body: 'ok' });
    expect(node.logins).toBe(2);
  });

  it('make a round trip before, unless the session has just answered', async () => {
    let trips = 0;
    const node = await healthyNode({
      meet: (connection) =>
        void connection.on('request', (_accept, reject) => {
          trips++;
          reject?.();
        }),
    });
    const port = await serve(answering('ok'));
    const { round } = await setup(node);
    const seen: number[] = [];
    for (const afterMs of [MINUTE, MINUTE, 0, 999, 1_000, -1_000]) {
      await round(port, {}, 1, afterMs);
      seen.push(trips);
    }
    // A new session; a minute later; at once; a moment later; too late; the clock was set back.
    expect(seen).toEqual([0, 1, 1, 1, 2, 3]);
  });

  it('fail where a new login would, though the session of the last round works', async () => {
    const node = await healthyNode();
    const port = await serve(answering('ok'));
    const { round } = await setup(node, { door: true });
    await round(port);
    node.shut();
    // The listener of a node is checked once in some rounds.
    const seen: unknown[] = [];
    for (let i = 0; i < 10; i++) seen.push(await round(port));
    expect(seen).toContainEqual({
      failure: expect.objectContaining({ reason: 'unreachable', phase: 'dial' }),
    });
  });

  it('say that the login is unknown while the node refuses our address', async () => {
    const node = await healthyNode();
    const port = await serve(answering('ok'));
    const { round } = await setup(node, { renewMs: 3 * MINUTE });
    expect(await round(port)).toMatchObject({ body: 'ok', login: undefined });
    node.turnAway('Not allowed at this time\r\n');
    const seen: unknown[] = [];
    for (let i = 0; i < 5; i++) seen.push(await round(port));
    expect(seen.at(-1)).toMatchObject({ body: 'ok', login: 'unknown' });
  });

  it('tell a node that is lost from a service that is silent', async () => {
    const node = await healthyNode();
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const silent = await serve(() => resolve());
    const { round } = await setup(node);
    expect(await round(silent, { deadlineMs: () => 50 })).toMatchObject({
      failure: { reason: 'timeout', phase: 'request' },
    });
    await asked;
    const lost = round(silent);
    await until(() => node.dialled.length === 2);
    node.cut();
    expect(await lost).toMatchObject({
      failure: { reason: 'protocol', phase: 'dial', detail: 'the connection to the node was lost' },
    });
  });

  it('are forbidden where the node forwards nothing, and log in once', async () => {
    const node = await healthyNode({ forwards: false });
    const { round } = await setup(node);
    for (let i = 0; i < 2; i++)
      expect(await round(2381)).toMatchObject({
        failure: { reason: 'forbidden', detail: expect.stringContaining('the node forbids') },
      });
    expect(node.logins).toBe(1);
  });
});
