import { afterEach, expect, it } from 'vitest';
import { bastion, node, setupProber, target, useServers } from '../openssh/servers.ts';
import { batchOf } from '../prober-fixture.ts';
import { NODE } from './batch-time.ts';
import { type Passed, type Relay, startRelay } from './relay.ts';

useServers();
const relays: Relay[] = [];
afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.close();
});

/**
 * A prober behind a relay. The returned function probes that many nodes, and counts the bytes and round trips at the
 * relay.
 */
async function relayedProber() {
  const relay = await startRelay(bastion, { delayMs: 100 });
  relays.push(relay);
  const hop = { ...bastion, host: relay.host, port: relay.port };
  const { prober } = await setupProber({}, { hop, keep: 'bastion' });
  let roundMs = 0;
  return async (nodes: number) => {
    const targets = Array.from({ length: nodes }, (_, i) => target(`n${i}`, node));
    const before = { out: { ...relay.out }, in: { ...relay.in }, roundTrips: relay.roundTrips() };
    roundMs += 60_000;
    const { observations } = await prober.probe(batchOf(targets, { roundMs }));
    const roundTrips = relay.roundTrips() - before.roundTrips;
    expect(observations.filter(({ result }) => result.ok)).toHaveLength(nodes);
    const perNode = (now: Passed, then: Passed) => ({
      bytes: (now.bytes - then.bytes) / nodes,
      segments: (now.segments - then.segments) / nodes,
    });
    return { roundTrips, out: perNode(relay.out, before.out), in: perNode(relay.in, before.in) };
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
