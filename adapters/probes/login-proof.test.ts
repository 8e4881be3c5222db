import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { samplesOf } from '../../core/parse/samples.ts';
import { batchOf, detailOf, outcomes } from '../../test/prober-fixture.ts';
import { bastion, healthyNodes, setupProber, targetsOf, until, useBastion } from '../../test/prober-fleet.ts';
import type { FakeNode } from '../../test/ssh-fleet.ts';

useBastion();

const MINUTE = 60_000;
const PENALTY = 'Not allowed at this time\r\n';

/** Runs rounds of a prober, by default one per minute, and moves the clock with them. */
async function rounds(
  nodes: readonly FakeNode[],
  sessions: { renewMs?: number; door?: boolean } = {},
  everyMs = MINUTE,
) {
  const { prober, advance, counts, audit } = await setupProber(
    {},
    { sessions: { renewMs: 60 * MINUTE, ...sessions }, everyMs },
  );
  let roundMs = 1_000 * MINUTE;
  const next = async () => {
    roundMs += everyMs;
    advance(everyMs);
    return prober.probe(batchOf(targetsOf(nodes), { roundMs }));
  };
  const ups = async () =>
    samplesOf(await next())
      .filter(({ metric }) => metric === 'up')
      .map(({ value }) => value);
  return { next, ups, counts, audit };
}

describe('sessions that are kept', () => {
  it('are renewed by a new login within `renew`, and not all in one round', async () => {
    const nodes = await healthyNodes(6);
    const { next } = await rounds(nodes, { renewMs: 10 * MINUTE });
    const renewed: number[][] = nodes.map(() => []);
    for (let round = 0; round <= 29; round++) {
      const before = nodes.map(({ logins }) => logins);
      expect(outcomes(await next())).toEqual(nodes.map((_, i) => `n${i}: ok`));
      for (const [i, node] of nodes.entries()) if (node.logins > (before[i] ?? 0)) renewed[i]?.push(round);
    }
    for (const at of renewed) {
      const gaps = at.slice(1).map((round, i) => round - (at[i] ?? 0));
      expect(Math.max(...gaps, 29 - (at.at(-1) ?? 0))).toBeLessThanOrEqual(10);
      // No login is wasted: after the first renewal each session lives for the full time.
      expect(gaps.slice(1).every((gap) => gap === 10)).toBe(true);
    }
    expect(new Set(renewed.map((at) => at[1])).size).toBeGreaterThan(2);
  });

  it.each([
    ['a listener that died', (node: FakeNode) => node.shut(), 'unreachable/dial'],
    ['a key that was revoked', (node: FakeNode) => node.revoke(), 'auth/handshake'],
  ])('detect %s at the renewal at the latest', async (_, happen, failure) => {
    const nodes = await healthyNodes(1);
    const { next } = await rounds(nodes, { renewMs: 5 * MINUTE });
    await next();
    happen(nodes[0] as FakeNode);
    const seen = [];
    for (let round = 0; round < 7; round++) seen.push(...outcomes(await next()));
    expect(seen.slice(4)).toEqual(Array(3).fill(`n0: ${failure}`));
  });

  it.each([
    ['a listener that died', () => bastion.shut()],
    ['a key that was revoked', () => bastion.revoke()],
  ])('detect %s of the bastion at the renewal at the latest', async (_, happen) => {
    const { next } = await rounds(await healthyNodes(1), { renewMs: 5 * MINUTE });
    await next();
    happen();
    const seen = [];
    for (let round = 0; round < 7; round++) seen.push((await next()).bastion.ok);
    expect(seen.slice(0, 4)).toEqual([true, true, true, true]);
    expect(seen.slice(5)).toEqual([false, false]);
  });

  it('are not renewed because of a clock that jumps ahead, but because of one that was set back', async () => {
    const nodes = await healthyNodes(1);
    const { prober } = await setupProber({}, { sessions: { renewMs: 10 * MINUTE } });
    const probe = (minute: number) => prober.probe(batchOf(targetsOf(nodes), { roundMs: minute * MINUTE }));
    for (const minute of [100, 100, 40, 41]) expect(outcomes(await probe(minute))).toEqual(['n0: ok']);
    expect(nodes[0]?.logins).toBe(2);
  });
});

describe('the door check', () => {
  it('detects in the next round that nothing listens any more, while the earlier session goes on', async () => {
    const nodes = await healthyNodes(2);
    const { next, audit } = await rounds(nodes, { door: true });
    await next();
    nodes[0]?.shut();
    expect(outcomes(await next())).toEqual(['n0: unreachable/dial', 'n1: ok']);
    expect(nodes[0]?.logins).toBe(1);
    expect(audit.at(-1)).toBeDefined();
    expect(audit.filter(({ outcome }) => outcome === 'unreachable')).toHaveLength(1);
  });

  it('detects a bastion that became unreachable', async () => {
    const { next } = await rounds(await healthyNodes(1), { door: true });
    await next();
    bastion.shut();
    expect(await next()).toMatchObject({ bastion: { ok: false, failure: { phase: 'bastion' } } });
  });

  it('is made once a minute at most, however short the rounds are', async () => {
    const nodes = await healthyNodes(3);
    const { next, counts } = await rounds(nodes, { door: true, renewMs: 60 * MINUTE }, 10_000);
    for (let round = 0; round < 19; round++) await next();
    // Three minutes for each of three nodes; the first comes sooner, by the node's name.
    expect(counts.get('ssh_door_checks_total ok')).toBeGreaterThanOrEqual(6);
    expect(counts.get('ssh_door_checks_total ok')).toBeLessThanOrEqual(9);
    expect(nodes.map(({ logins }) => logins)).toEqual([1, 1, 1]);
  });

  it('ends as the protocol requires: identification, DISCONNECT with code 11, no reset', async () => {
    const nodes = await healthyNodes(1);
    const { next } = await rounds(nodes, { door: true });
    await next();
    const errors: Error[] = [];
    let sent = Buffer.alloc(0);
    let closed = false;
    nodes[0]?.onConnection((socket: Socket) => {
      socket.on('data', (chunk) => {
        sent = Buffer.concat([sent, chunk]);
      });
      socket.on('error', (error) => errors.push(error));
      socket.on('close', () => {
        closed = true;
      });
    });
    await next();
    await until(() => closed);
    expect(errors).toEqual([]);
    const line = 'SSH-2.0-bartizan\r\n';
    expect(sent.subarray(0, line.length).toString()).toBe(line);
    const packet = sent.subarray(line.length);
    expect(packet.readUInt32BE(0)).toBe(packet.length - 4);
    expect(packet.length % 8).toBe(0);
    expect([packet[5], packet.readUInt32BE(6)]).toEqual([1, 11]);
  });
});

describe('a node whose sshd refuses our address for a while', () => {
  it('is unknown, not down, and not retried at once; its session goes on', async () => {
    const nodes = await healthyNodes(1);
    const { ups, next, counts } = await rounds(nodes, { door: true });
    expect(await ups()).toEqual([1]);
    nodes[0]?.turnAway(PENALTY);
    expect(await ups()).toEqual([]);
    let tries = 0;
    nodes[0]?.onConnection(() => tries++);
    const seen = await next();
    expect(outcomes(seen)).toEqual(['n0: ok']);
    expect(samplesOf(seen).some(({ metric }) => metric === 'load1')).toBe(true);
    for (let round = 0; round < 4; round++) expect(await ups()).toEqual([]);
    expect(tries).toBeLessThanOrEqual(3);
    nodes[0]?.turnAway(undefined);
    for (let round = 0; round < 4; round++) await next();
    expect(await ups()).toEqual([1]);
    expect(counts.get('ssh_penalties_total node')).toBeGreaterThanOrEqual(2);
  });

  it('is down after ten minutes, also if each round runs in another process', async () => {
    const nodes = await healthyNodes(1);
    nodes[0]?.turnAway(PENALTY);
    const kept = new Map<string, unknown>();
    const seen: string[] = [];
    for (let minute = 0; minute < 13; minute++) {
      const made = await setupProber({}, { keep: 'bastion' });
      for (const [key, value] of kept) made.counters.set(key, value);
      made.advance(minute * MINUTE);
      const result = await made.prober.probe(batchOf(targetsOf(nodes), { roundMs: minute * MINUTE }));
      seen.push(...outcomes(result));
      for (const [key, value] of made.counters) kept.set(key, value);
      await made.prober.close();
    }
    expect(seen.slice(0, 10)).toEqual(Array(10).fill('n0: penalty/handshake'));
    expect(seen.slice(11)).toEqual(Array(2).fill('n0: unreachable/handshake'));
  });

  it('is unknown without an open session, and down after refusals that last longer than any penalty', async () => {
    const nodes = await healthyNodes(2);
    nodes[0]?.turnAway(PENALTY);
    const { next, ups } = await rounds(nodes);
    const first = await next();
    expect(outcomes(first)).toEqual(['n0: penalty/handshake', 'n1: ok']);
    expect(detailOf(first, 'n0')).toContain('Not allowed at this time');
    const seen = [];
    for (let round = 0; round < 11; round++) seen.push((await ups()).length);
    expect(seen.slice(0, 9)).toEqual(Array(9).fill(1));
    expect(await ups()).toEqual([0, 1]);
  });
});
