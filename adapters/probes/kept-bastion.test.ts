import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { scaledMs } from '../../test/machine-speed.ts';
import { bastionConfig, batchOf, outcomes } from '../../test/prober-fixture.ts';
import {
  bastion,
  healthyNodes,
  keep,
  setupProber,
  targetsOf,
  until,
  useBastion,
} from '../../test/prober-fleet.ts';
import { startFakeBastion } from '../../test/ssh-fleet.ts';

useBastion();

/** A gateway in front of the bastion that forgets open connections: new ones pass, old ones become silent. */
async function startGateway(to: { port: number }) {
  const sockets = new Set<Socket>();
  const forgotten = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ port: to.port, host: '127.0.0.1', noDelay: true });
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => forgotten.has(from) || into.write(chunk));
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        if (!forgotten.has(from)) into.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    forget: () => {
      for (const socket of sockets) forgotten.add(socket);
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

describe('a prober that is stopped between batches', () => {
  it('keeps the connection to the bastion, whichever batch is next, and none to a node', async () => {
    const nodes = await healthyNodes(2);
    const { prober, counts } = await setupProber({}, { keep: 'bastion' });
    for (const index of [0, 5, 3]) {
      const result = await prober.probe(batchOf(targetsOf(nodes), { index, count: 8 }));
      expect(outcomes(result)).toEqual(['n0: ok', 'n1: ok']);
      await until(() => nodes.every((node) => node.connections() === 0));
    }
    expect([bastion.logins, bastion.connections()]).toEqual([1, 1]);
    expect(nodes.map((node) => node.logins)).toEqual([3, 3]);
    expect(counts.get('ssh_sessions_reused_total bastion')).toBe(2);
  });

  it('keeps nothing where the network forgets connections meanwhile', async () => {
    const nodes = await healthyNodes(1);
    const { prober } = await setupProber({}, { keep: 'nothing' });
    for (const index of [0, 1]) {
      const result = await prober.probe(batchOf(targetsOf(nodes), { index, count: 8 }));
      expect(outcomes(result)).toEqual(['n0: ok']);
      await until(() => bastion.connections() === 0);
    }
    expect(bastion.logins).toBe(2);
  });

  it('soon opens a new one where the old has silently died, and reports nothing false', async () => {
    const gateway = await keep(startGateway(bastion));
    const nodes = await healthyNodes(2);
    // With the configured deadlines it would wait for half a minute.
    const deadlines = { bastionMs: 10_000, dialMs: 10_000, handshakeMs: 10_000, execMs: 10_000 };
    const host = { ...bastion, port: gateway.port };
    const { prober, audit } = await setupProber({ deadlines }, { host, keep: 'bastion' });
    await prober.probe(batchOf(targetsOf(nodes)));
    gateway.forget();
    const startMs = performance.now();
    const result = await prober.probe(batchOf(targetsOf(nodes)));
    expect(performance.now() - startMs).toBeLessThan(scaledMs(3_000));
    expect(result.bastion).toEqual({ ok: true });
    expect(outcomes(result)).toEqual(['n0: ok', 'n1: ok']);
    expect(bastion.logins).toBe(2);
    expect(new Set(audit.map(({ outcome }) => outcome))).toEqual(new Set(['ok']));
  });

  it.each([
    ['was restarted', () => bastion.kill()],
    ['froze', () => bastion.freeze()],
  ])('opens it again where the bastion %s', async (_, fault) => {
    const nodes = await healthyNodes(1);
    const { prober } = await setupProber({}, { keep: 'bastion' });
    await prober.probe(batchOf(targetsOf(nodes)));
    fault();
    expect(outcomes(await prober.probe(batchOf(targetsOf(nodes))))).toEqual(['n0: ok']);
    expect(bastion.logins).toBe(2);
  });

  it('keeps one bastion at a time, since other processes share the limit', async () => {
    const other = await keep(startFakeBastion());
    const nodes = await healthyNodes(1);
    const otherBastions = [bastionConfig(other, { name: 'other' })];
    const { prober } = await setupProber({}, { keep: 'bastion', otherBastions });
    const batch = batchOf(targetsOf(nodes));
    await prober.probe(batch);
    expect(outcomes(await prober.probe({ ...batch, bastion: 'other' }))).toEqual(['n0: ok']);
    await until(() => bastion.connections() === 0);
    expect(other.connections()).toBe(1);
  });
});
