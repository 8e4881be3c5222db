import { describe, expect, it } from 'vitest';
import { scaledMs } from '../../test/machine-speed.ts';
import { answer, output, silent } from '../../test/node-behaviour.ts';
import { batchOf, detailOf, outcomes, targetOf } from '../../test/prober-fixture.ts';
import {
  bastion,
  healthyNode,
  healthyNodes,
  keep,
  setupProber,
  targetsOf,
  until,
  useBastion,
} from '../../test/prober-fleet.ts';
import { type FakeNode, startFakeNode, startRawNode } from '../../test/ssh-fleet.ts';

useBastion();

describe('a bastion that cannot be used is one observation; its nodes are unknown', () => {
  it.each([
    ['nobody listens', (socket: { destroy(): unknown }) => socket.destroy(), true, 'unreachable'],
    ['it accepts and says nothing', () => {}, false, 'timeout'],
    ['it hangs up', (socket: { destroy(): unknown }) => socket.destroy(), false, 'protocol'],
    [
      'it speaks HTTP',
      (socket: { end(text: string): unknown }) => socket.end('HTTP/1.1 400 Bad\r\n\r\n'),
      false,
      'protocol',
    ],
  ])('%s', async (_, behave, closed, reason) => {
    const host = await startRawNode(behave);
    if (closed) await host.close();
    else await keep(Promise.resolve(host));
    const { prober, audit } = await setupProber({ deadlines: { bastionMs: 500 } }, { host });
    const result = await prober.probe(batchOf(targetsOf(await healthyNodes(2))));
    expect(result).toMatchObject({
      bastion: { ok: false, failure: { reason, phase: 'bastion' } },
      observations: [],
    });
    expect(audit).toHaveLength(1);
    expect(audit[0]).toMatchObject({ bastion: 'b', outcome: reason });
    expect(audit[0]).not.toHaveProperty('target');
  });
});

describe('a bastion that is lost in the middle of a round', () => {
  async function lose(how: 'kill' | 'freeze') {
    const answered = await healthyNodes(2);
    let fall = () => {};
    const trigger = await keep(startFakeNode(() => fall()));
    const waiting = await keep(startFakeNode(silent));
    const never = await healthyNode();
    // A node that answers must do so in time, on a busy machine too.
    const limitMs = scaledMs(300);
    // One at a time, so that the order is known.
    const { prober, audit } = await setupProber({
      concurrency: 1,
      deadlines: { bastionMs: limitMs, dialMs: limitMs, handshakeMs: limitMs, execMs: limitMs },
    });
    fall = () => (how === 'kill' ? bastion.kill() : bastion.freeze());
    const startMs = performance.now();
    const result = await prober.probe(batchOf(targetsOf([...answered, trigger, waiting, never])));
    return { result, audit, ms: performance.now() - startMs, never };
  }

  it.each([
    ['kill', 'protocol'],
    ['freeze', 'timeout'],
  ] as const)('by a %s keeps what was answered; the others are unknown, not down', async (how, reason) => {
    const { result, ms, never, audit } = await lose(how);
    expect(outcomes(result)).toEqual(['n0: ok', 'n1: ok']);
    expect(result.bastion).toMatchObject({ ok: false, failure: { reason, phase: 'bastion' } });
    expect(never.logins).toBe(0);
    // On a slow machine the next node is tried before the deadlines of this one have passed.
    expect(audit).toContainEqual(
      expect.objectContaining({ target: 'c/n2', command: 'usage@2', outcome: reason }),
    );
    // The deadlines are a seventh of it: the rest is for a start that a busy machine makes long.
    expect(ms).toBeLessThan(scaledMs(10_000));
  });

  it('is detected also while many nodes are pending', async () => {
    const silents = await Promise.all(Array.from({ length: 20 }, () => keep(startFakeNode(silent))));
    const { prober } = await setupProber({ deadlines: { bastionMs: 300, execMs: 600 } });
    const round = prober.probe(batchOf(targetsOf(silents)));
    await until(() => silents.every((node) => node.commands.length === 1));
    bastion.freeze();
    const result = await round;
    expect(result.observations).toEqual([]);
    expect(result.bastion).toMatchObject({ ok: false, failure: { reason: 'timeout', phase: 'bastion' } });
  });

  it('keeps the counters of nodes that did not answer, for the next round', async () => {
    const { prober, counters } = await setupProber({ deadlines: { bastionMs: 300 } });
    let fall = () => {};
    const nodes = [
      ...(await healthyNodes(1)),
      await keep(startFakeNode((channel, _, count) => (count < 2 ? answer(channel, output(count)) : fall()))),
    ];
    await prober.probe(batchOf(targetsOf(nodes)));
    fall = bastion.kill;
    await prober.probe(batchOf(targetsOf(nodes)));
    expect(JSON.stringify([...counters.values()])).toMatch(/"c\/n0".*"c\/n1"/);
  });

  it('by files that its sshd lacks says nothing about services, and the next round has a new connection', async () => {
    const node = await healthyNode();
    const web = { name: 'web', probe: 'tcp', options: { port: node.port, via: 'bastion' } };
    const { prober } = await setupProber({}, { checks: [web] });
    const batch = batchOf(targetsOf([node]), { checks: ['usage', 'web'] });
    const checksOf = async () => {
      const { bastion: way, observations } = await prober.probe(batch);
      return { way, checks: observations.filter(({ result }) => result.ok).map(({ check }) => check) };
    };
    const whole = { way: { ok: true }, checks: ['usage', 'web'] };
    expect(await checksOf()).toEqual(whole);
    bastion.fill();
    const detail = expect.stringMatching(
      /^sshd of the bastion opens no more connections to 127\.0\.0\.1:\d+: too many open files\?/,
    );
    const failure = { reason: 'unreachable', phase: 'bastion', detail };
    // The kept session with the node still answers.
    expect(await checksOf()).toEqual({ way: { ok: false, failure }, checks: ['usage'] });
    expect(await checksOf()).toEqual(whole);
    expect(bastion.logins).toBe(2);
  });

  it('is not the same as an unreachable node: the bastion answers afterwards', async () => {
    const [good, dead] = await healthyNodes(2);
    bastion.hold(dead?.port ?? 0);
    const { prober } = await setupProber({ deadlines: { dialMs: 200 } });
    const result = await prober.probe(batchOf(targetsOf([good as FakeNode, dead as FakeNode])));
    expect(result.bastion).toEqual({ ok: true });
    expect(outcomes(result)).toEqual(['n0: ok', 'n1: timeout/dial']);
    expect(detailOf(result, 'n1')).toMatch(/^no connection within [\d.]+ s$/);
    // A channel that opens later is closed immediately.
    let came = 0;
    dead?.onConnection(() => came++);
    bastion.release();
    await until(() => came === 1 && dead?.connections() === 0);
  });
});

describe('connections stay open between rounds', () => {
  it('to the bastion and to the nodes', async () => {
    const nodes = await healthyNodes(3);
    const { prober, counts } = await setupProber();
    for (let round = 0; round < 4; round++) {
      expect(outcomes(await prober.probe(batchOf(targetsOf(nodes))))).toEqual(['n0: ok', 'n1: ok', 'n2: ok']);
    }
    expect(bastion.logins).toBe(1);
    expect(nodes.map((node) => node.logins)).toEqual([1, 1, 1]);
    expect(counts.get('ssh_sessions_opened_total bastion')).toBe(1);
    expect(counts.get('ssh_sessions_reused_total bastion')).toBe(3);
    expect(counts.get('ssh_sessions_opened_total node')).toBe(3);
  });

  it.each([
    ['the bastion was restarted', () => bastion.kill(), 2, 2],
    ['the bastion froze', () => bastion.freeze(), 2, 2],
    ['the node was restarted', (node: FakeNode) => node.cut(), 1, 2],
    ['the node froze', (node: FakeNode) => node.freeze(), 1, 2],
    ['nothing happened', () => {}, 1, 1],
  ])('and are opened again where %s', async (_, fault, bastionLogins, nodeLogins) => {
    const node = await healthyNode();
    const { prober } = await setupProber({ deadlines: { bastionMs: 300, dialMs: 300 } });
    const batch = batchOf([targetOf('n', node)]);
    await prober.probe(batch);
    fault(node);
    expect(outcomes(await prober.probe(batch))).toEqual(['n: ok']);
    expect([bastion.logins, node.logins]).toEqual([bastionLogins, nodeLogins]);
  });

  it('but not to a node whose command did not end: that session may still deliver its output', async () => {
    const node = await keep(
      startFakeNode((channel, _, count) => (count === 0 ? undefined : answer(channel, output(count)))),
    );
    const { prober } = await setupProber({ deadlines: { execMs: 200 } });
    const batch = batchOf([targetOf('n', node)]);
    expect(outcomes(await prober.probe(batch))).toEqual(['n: timeout/exec']);
    await until(() => node.connections() === 0);
    expect(outcomes(await prober.probe(batch))).toEqual(['n: ok']);
    expect([bastion.logins, node.logins]).toEqual([1, 2]);
  });

  it('but not for ever: keys and host keys are checked again within the hour', async () => {
    const node = await healthyNode();
    const { prober, advance } = await setupProber();
    const batch = batchOf([targetOf('n', node)]);
    await prober.probe(batch);
    advance(20 * 60_000);
    await prober.probe(batch);
    expect([bastion.logins, node.logins]).toEqual([1, 1]);
    advance(41 * 60_000);
    await prober.probe(batch);
    expect([bastion.logins, node.logins]).toEqual([2, 2]);
  });

  it('but not if another host key is pinned meanwhile', async () => {
    const node = await healthyNode();
    const { prober } = await setupProber();
    await prober.probe(batchOf([targetOf('n', node)]));
    const changed = targetOf('n', node, { hostKeys: [bastion.hostKey] });
    expect(outcomes(await prober.probe(batchOf([changed])))).toEqual(['n: host-key/handshake']);
  });

  it('but not to nodes that are no longer probed', async () => {
    const [stays, goes] = (await healthyNodes(2)) as [FakeNode, FakeNode];
    const { prober, advance } = await setupProber();
    await prober.probe(batchOf(targetsOf([stays, goes])));
    expect(goes.connections()).toBe(1);
    advance(16 * 60_000);
    await prober.probe(batchOf(targetsOf([stays])));
    await until(() => goes.connections() === 0);
    expect(stays.connections()).toBe(1);
  });

  it('and all end with close', async () => {
    const nodes = await healthyNodes(2);
    const { prober } = await setupProber();
    await prober.probe(batchOf(targetsOf(nodes)));
    await prober.close();
    await until(() => bastion.connections() === 0 && nodes.every((node) => node.connections() === 0));
  });
});

describe('the bastion', () => {
  it.each([
    [1, 1],
    [2, 2],
    [8, 4],
  ])('has at most %i connections of ours at once', async (maxConnections, logins) => {
    const nodes = await healthyNodes(4);
    const { prober } = await setupProber({ maxConnections });
    for (let round = 0; round < 2; round++) {
      const batches = nodes.map((node, index) => batchOf([targetOf(`n${index}`, node)], { index, count: 4 }));
      const results = await Promise.all(batches.map((batch) => prober.probe(batch)));
      expect(results.flatMap(outcomes)).toEqual(['n0: ok', 'n1: ok', 'n2: ok', 'n3: ok']);
    }
    expect(bastion.logins).toBe(logins);
    expect(nodes.map((node) => node.logins)).toEqual([1, 1, 1, 1]);
  });

  it('is disconnected at once when the round is aborted', async () => {
    const node = await keep(startFakeNode(silent));
    const { prober } = await setupProber({ deadlines: { execMs: 10_000 } });
    const stop = new AbortController();
    const round = prober.probe(batchOf([targetOf('n', node)]), { signal: stop.signal });
    await until(() => node.commands.length === 1);
    const startMs = performance.now();
    stop.abort();
    expect(await round).toMatchObject({ bastion: { ok: false }, observations: [] });
    expect(performance.now() - startMs).toBeLessThan(scaledMs(500));
    expect(await prober.probe(batchOf([targetOf('n', node)]), { signal: stop.signal })).toMatchObject({
      bastion: { ok: false },
    });
    expect(bastion.logins).toBe(1);
  });

  it('is not waited for when the round is aborted during the login', async () => {
    let came = 0;
    const host = await keep(startRawNode(() => came++));
    const { prober } = await setupProber({ maxConnections: 1, deadlines: { bastionMs: 10_000 } }, { host });
    const stop = new AbortController();
    const rounds = [0, 1].map((index) =>
      prober.probe(batchOf([], { index, count: 2 }), { signal: stop.signal }),
    );
    await until(() => came === 1);
    const startMs = performance.now();
    stop.abort();
    expect((await Promise.all(rounds)).map(({ bastion: hop }) => hop.ok)).toEqual([false, false]);
    expect(performance.now() - startMs).toBeLessThan(scaledMs(500));
    expect(came).toBe(1);
  });
});
