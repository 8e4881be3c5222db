import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { flood } from '../../../test/node-behaviour.ts';
import { batchOf, targetOf } from '../../../test/prober-fixture.ts';
import { bastion, healthyNode, setupProber, useBastion } from '../../../test/prober-fleet.ts';
import { setupServiceCheck, withoutDurations } from '../../../test/service-check.ts';
import { closedPort, foundBy, listen } from '../../../test/services.ts';

useBastion();

const OPEN = ['tcp_duration', 'tcp_up 1'];

describe('a port', () => {
  it.each<[string, Parameters<typeof createServer>[1]]>([
    ['is silent', () => {}],
    ['hangs up', (socket) => socket.destroy()],
    ['sends without end', (socket) => flood(socket, undefined, 2 ** 24)],
  ])('that accepts and %s is open', async (_, behave) => {
    const { round } = await setupServiceCheck('tcp', { port: await listen(createServer(behave)) });
    const { found, notes } = await round();
    expect([withoutDurations(found), notes]).toEqual([OPEN, []]);
    expect(Number(found[0]?.split(' ')[1])).toBeGreaterThan(0);
    // The connection is not kept.
    expect(withoutDurations((await round()).found)).toEqual(OPEN);
    expect(bastion.dialled).toHaveLength(2);
  });

  it('on which nobody listens is closed', async () => {
    const { round } = await setupServiceCheck('tcp', { port: await closedPort() });
    const { found, notes } = await round();
    expect(found).toEqual(['tcp_up 0']);
    expect(notes[0]).toMatch(/^the bastion did not reach 127\.0\.0\.1:\d+/);
  });

  it('that accepts nothing is closed, if the bastion works', async () => {
    const port = await closedPort();
    bastion.hold(port);
    const checks = [{ name: 'service', probe: 'tcp', options: { port } }];
    const { prober } = await setupProber({ deadlines: { dialMs: 300 } }, { checks });
    const target = targetOf('n', await healthyNode());
    const { observations } = await prober.probe(batchOf([target], { checks: ['service'] }));
    expect(foundBy(observations, 'service')).toEqual(['tcp_up 0']);
    const labels = { cluster: 'c', node: 'n', role: 'etcd', check: 'service' };
    expect(observations[0]?.result).toMatchObject({ samples: [{ labels }, { labels }] });
    bastion.release();
  });

  it('of the node is reached from there, and the login is not part of its time', async () => {
    const port = await listen(createServer());
    const node = await healthyNode();
    const checks = [{ name: 'service', probe: 'tcp', options: { port, via: 'node' } }];
    const { prober } = await setupProber({}, { checks });
    const { observations } = await prober.probe(batchOf([targetOf('n', node)], { checks: ['service'] }));
    expect(withoutDurations(foundBy(observations, 'service'))).toEqual(OPEN);
    expect(node.dialled).toEqual([`127.0.0.1:${port}`]);
    const [duration] = foundBy(observations, 'service').map((line) => Number(line.split(' ')[1]));
    expect(duration).toBeLessThan((observations[0]?.durationMs ?? 0) / 1000);
  });
});
