import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startLightControlPlane } from '../bench/light-control-plane.ts';
import { makeAuthority } from '../certificates.ts';
import { bastion, node, setupProber, target, useServers } from '../openssh/servers.ts';
import { batchOf } from '../prober-fixture.ts';
import { NODE, NODE_COST } from './batch-time.ts';
import { type Passed, type Relay, startRelay } from './relay.ts';

type Checks = NonNullable<NonNullable<Parameters<typeof setupProber>[1]>['checks']>;

useServers();
const relays: Relay[] = [];
afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.close();
});

/**
 * A prober behind a relay. The returned function probes that many nodes, and counts the bytes and round trips at the
 * relay.
 */
async function relayedProber(checks: Checks = []) {
  const relay = await startRelay(bastion, { delayMs: 100 });
  relays.push(relay);
  const hop = { ...bastion, host: relay.host, port: relay.port };
  const { prober, audit } = await setupProber({}, { hop, keep: 'bastion', checks });
  const names = ['usage', ...checks.map(({ name }) => name)];
  let roundMs = 0;
  return async (nodes: number) => {
    const targets = Array.from({ length: nodes }, (_, i) => target(`n${i}`, node));
    const before = { out: { ...relay.out }, in: { ...relay.in }, roundTrips: relay.roundTrips() };
    roundMs += 60_000;
    audit.length = 0;
    const { observations } = await prober.probe(batchOf(targets, { roundMs, checks: names }));
    const roundTrips = relay.roundTrips() - before.roundTrips;
    expect(observations.filter(({ result }) => result.ok)).toHaveLength(nodes * names.length);
    const perNode = (now: Passed, then: Passed) => ({
      bytes: (now.bytes - then.bytes) / nodes,
      segments: (now.segments - then.segments) / nodes,
    });
    return {
      roundTrips,
      accesses: audit.length / nodes,
      out: perNode(relay.out, before.out),
      in: perNode(relay.in, before.in),
    };
  };
}

it('a node without kept connections needs the bytes that docs/scale-and-cost.md assumes', async () => {
  const probe = await relayedProber();
  // The first probe finds no counters, and takes two samples.
  await probe(30);
  const { out, in: back } = await probe(30);
  expect(out.bytes / NODE.out.bytes).toBeCloseTo(1, 1);
  expect(Math.abs(out.segments - NODE.out.segments)).toBeLessThan(2);
  // The answer of a node depends on its disks and interfaces.
  expect(back.bytes).toBeGreaterThan(NODE.in.bytes * 0.8);
  expect(back.bytes).toBeLessThan(NODE.in.bytes * 1.4);
});

it('a node without kept connections needs the round trips that docs/scale-and-cost.md assumes', async () => {
  const probe = await relayedProber();
  await probe(1);
  // One more round trip asks the bastion whether it is still there. The relay sometimes counts too many, never too few.
  const counts: number[] = [];
  const lowest = () => Math.min(...counts) - 1;
  do counts.push((await probe(1)).roundTrips);
  while (lowest() > NODE.roundTrips && counts.length < 10);
  expect(lowest(), `of ${counts}`).toBe(NODE.roundTrips);
});

describe('a node of kubeadm', () => {
  const servers: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });

  /** The checks of the preset that run each minute, on services that answer as recorded. */
  async function minutely(): Promise<Checks> {
    const light = await startLightControlPlane(node.host);
    const healthy: RequestListener = (_, response) => response.end('ok');
    const { key, cert } = await (await makeAuthority('self')).issue({
      commonName: 'localhost',
      names: ['localhost'],
    });
    const [plain, secure] = [createHttpServer(healthy), createHttpsServer({ key, cert }, healthy)];
    servers.push(light, plain, secure);
    for (const server of [plain, secure])
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const portOf = (server: Server) => (server.address() as AddressInfo).port;
    const check = (probe: string, port: number) => ({ name: probe, probe, options: { port } });
    return [
      check('apiserver', light.apiserver),
      check('etcd', light.etcd),
      check('kubelet', portOf(plain)),
      check('scheduler', portOf(secure)),
      check('controller-manager', portOf(secure)),
    ];
  }

  it('needs the bytes and round trips that docs/scale-and-cost.md assumes', async () => {
    const probe = await relayedProber(await minutely());
    const { out, in: back, roundTrips, accesses } = NODE_COST.kubeadm;
    await probe(10);
    const many = await probe(10);
    expect(many.accesses).toBe(accesses);
    expect(many.out.bytes / out.bytes).toBeCloseTo(1, 1);
    expect(many.in.bytes / back.bytes).toBeGreaterThan(0.8);
    expect(many.in.bytes / back.bytes).toBeLessThan(1.25);
    const counts: number[] = [];
    const lowest = () => Math.min(...counts) - 1;
    do counts.push((await probe(1)).roundTrips);
    while (lowest() > roundTrips && counts.length < 10);
    // A TLS session that ends without a trip of its own saves one.
    expect(lowest(), `of ${counts}`).toBeLessThanOrEqual(roundTrips);
    expect(lowest(), `of ${counts}`).toBeGreaterThanOrEqual(roundTrips - 1);
  });
});
