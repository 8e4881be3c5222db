import { describe, expect, it } from 'vitest';
import { answer, output } from '../../test/node-behaviour.ts';
import { bastion, healthyNode, keep, world } from '../../test/prober-fleet.ts';
import { batchOf, outcomes, readings, targetOf } from '../../test/prober-world.ts';
import { startFakeNode } from '../../test/ssh-fleet.ts';
import { usage } from './usage/usage.ts';

describe('a round', () => {
  it('runs the script of the catalogue on every node, over one connection to the bastion', async () => {
    const nodes = await Promise.all([1, 2, 3].map(() => healthyNode()));
    let script = '';
    const reading = await keep(
      startFakeNode((channel, text, count) => {
        script = text;
        answer(channel, output(count));
      }),
    );
    const { prober, audit } = await world();
    const all = [...nodes, reading].map((node, i) => targetOf(`n${i}`, node));
    const done: number[] = [];
    const result = await prober.probe(batchOf(all), { onObservation: (count) => done.push(count) });
    expect(result.bastion).toEqual({ ok: true });
    expect(outcomes(result)).toEqual(['n0: ok', 'n1: ok', 'n2: ok', 'n3: ok']);
    expect(done).toEqual([1, 2, 3, 4]);
    expect(bastion.logins).toBe(1);
    expect(nodes.map((node) => node.logins)).toEqual([1, 1, 1]);
    expect(reading.commands).toEqual(['sh', 'sh']);
    expect(script).toBe(usage.script.text);
    expect(audit.map(({ target, outcome }) => `${target}: ${outcome}`).sort()).toEqual(
      ['c/n0', 'c/n0', 'c/n1', 'c/n1', 'c/n2', 'c/n2', 'c/n3', 'c/n3', 'undefined'].map(
        (name) => `${name}: ok`,
      ),
    );
  });

  it('writes in the audit who did what where, with which key and how it ended', async () => {
    const { prober, audit } = await world();
    const node = await healthyNode();
    await prober.probe(batchOf([targetOf('n', node)]));
    expect(audit[0]).toMatchObject({ actor: 'bartizan', bastion: 'b', outcome: 'ok' });
    expect(audit[0]?.hostKeyFingerprint).toMatch(/^SHA256:[\w+/]{43}$/);
    expect(audit[1]).toMatchObject({
      actor: 'bartizan',
      bastion: 'b',
      target: 'c/n',
      command: 'usage@1',
      commandSha256: usage.script.sha256,
      exitCode: 0,
      outcome: 'ok',
    });
    expect(audit[1]?.hostKeyFingerprint).not.toBe(audit[0]?.hostKeyFingerprint);
    expect(audit[1]?.bytes).toBeGreaterThan(100);
  });

  it('tells the clock of a node against ours', async () => {
    const { prober } = await world();
    const result = await prober.probe(batchOf([targetOf('n', await healthyNode())]));
    expect(readings(result, 'n').clock_offset).toBeCloseTo(7, 1);
  });

  it('fails when the audit cannot be written: no way in passes it by', async () => {
    const { prober, audit } = await world();
    audit.push = () => {
      throw new Error('disk full');
    };
    await expect(prober.probe(batchOf([targetOf('n', await healthyNode())]))).rejects.toThrow('disk full');
  });
});

describe('rates', () => {
  it('need a second look in the first round, and none after it', async () => {
    const node = await healthyNode();
    const { prober } = await world();
    const batch = batchOf([targetOf('n', node)]);
    const first = await prober.probe(batch);
    expect(node.commands).toHaveLength(2);
    expect(readings(first, 'n')).toMatchObject({ cpu_usage: 50, 'net_rx eth0': 1_000, 'net_tx eth0': 100 });
    const second = await prober.probe(batch);
    expect(node.commands).toHaveLength(3);
    expect(readings(second, 'n')).toMatchObject({ cpu_usage: 50, 'net_rx eth0': 1_000 });
  });

  it('are kept in one object per batch and check', async () => {
    const { prober, counters } = await world();
    const targets = [targetOf('n', await healthyNode()), targetOf('m', await healthyNode())];
    await prober.probe(batchOf(targets, { index: 2, count: 5 }));
    expect([...counters.keys()]).toEqual(['b/2of5/usage']);
    expect(JSON.stringify([...counters.values()])).toContain('"c/m"');
  });

  it('go on after a restart of ours, and start anew after one of the node', async () => {
    let boot = 'a';
    const node = await keep(
      startFakeNode((channel, _, count) => answer(channel, output(count, `${boot}-0000000`))),
    );
    const { prober, counters } = await world();
    const batch = batchOf([targetOf('n', node)]);
    await prober.probe(batch);
    const again = await world();
    for (const [key, value] of counters) again.counters.set(key, value);
    await again.prober.probe(batch);
    expect(node.commands).toHaveLength(3);
    boot = 'b';
    const after = await again.prober.probe(batch);
    expect(node.commands).toHaveLength(5);
    expect(readings(after, 'n').cpu_usage).toBe(50);
  });

  it.each([
    ['garbage', 'garbage'],
    ['of another release', { version: 9, nodes: [] }],
    ['of another shape', { version: 1, nodes: [['c/n', { boot: 'boot-aaaa', net: 'eth0' }], 7] }],
  ])('start anew where what was kept is %s', async (_, value) => {
    const { prober, counters } = await world();
    counters.set('b/0of1/usage', value);
    const result = await prober.probe(batchOf([targetOf('n', await healthyNode())]));
    expect(readings(result, 'n').cpu_usage).toBe(50);
  });

  it('do without a second look that fails: what the first told stands', async () => {
    const node = await keep(
      startFakeNode((channel, _, count) => (count === 0 ? answer(channel, output(0)) : channel.close())),
    );
    const { prober } = await world();
    const result = await prober.probe(batchOf([targetOf('n', node)]));
    expect(readings(result, 'n')).toMatchObject({ load1: 1 });
    expect(readings(result, 'n')).not.toHaveProperty('cpu_usage');
    expect(result.observations[0]?.result).toMatchObject({
      notes: expect.arrayContaining([expect.stringMatching(/^no rates yet: the connection ended/)]),
    });
  });
});
