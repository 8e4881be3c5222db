import { describe, expect, it } from 'vitest';
import { answer, output } from '../../test/node-behaviour.ts';
import { batchOf, outcomes, readings, targetOf } from '../../test/prober-fixture.ts';
import { bastion, healthyNode, keep, setupProber, useBastion } from '../../test/prober-fleet.ts';
import { startFakeNode } from '../../test/ssh-fleet.ts';
import { usageScript } from './usage/usage.ts';

useBastion();

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
    const { prober, audit } = await setupProber();
    const all = [...nodes, reading].map((node, i) => targetOf(`n${i}`, node));
    const done: number[] = [];
    const result = await prober.probe(batchOf(all), { onObservation: (count) => done.push(count) });
    expect(result.bastion).toEqual({ ok: true });
    expect(outcomes(result)).toEqual(['n0: ok', 'n1: ok', 'n2: ok', 'n3: ok']);
    expect(done).toEqual([1, 2, 3, 4]);
    expect(bastion.logins).toBe(1);
    expect(nodes.map((node) => node.logins)).toEqual([1, 1, 1]);
    expect(reading.commands).toEqual(['sh', 'sh']);
    expect(script).toBe(usageScript().text);
    expect(audit.map(({ target, outcome }) => `${target}: ${outcome}`).sort()).toEqual(
      ['c/n0', 'c/n0', 'c/n1', 'c/n1', 'c/n2', 'c/n2', 'c/n3', 'c/n3', 'undefined'].map(
        (name) => `${name}: ok`,
      ),
    );
  });

  it("runs the script that a check's options choose", async () => {
    const scripts: string[] = [];
    const node = await keep(
      startFakeNode((channel, text, count) => {
        scripts.push(text);
        answer(channel, output(count));
      }),
    );
    const { prober, audit } = await setupProber({}, { checkOptions: { volumes: true } });
    await prober.probe(batchOf([targetOf('n', node)]));
    const chosen = usageScript({ volumes: true });
    expect(new Set(scripts)).toEqual(new Set([chosen.text]));
    expect(chosen.sha256).not.toBe(usageScript().sha256);
    expect(audit.at(-1)).toMatchObject({ command: 'usage-volumes@2', commandSha256: chosen.sha256 });
  });

  it('writes who did what, where, with which key and with which outcome into the audit', async () => {
    const { prober, audit } = await setupProber();
    const node = await healthyNode();
    await prober.probe(batchOf([targetOf('n', node)]));
    expect(audit[0]).toMatchObject({ kind: 'probe', actor: 'bartizan', bastion: 'b', outcome: 'ok' });
    expect(audit[0]?.hostKeyFingerprint).toMatch(/^SHA256:[\w+/]{43}$/);
    expect(audit[1]).toMatchObject({
      actor: 'bartizan',
      bastion: 'b',
      target: 'c/n',
      command: 'usage@2',
      commandSha256: usageScript().sha256,
      exitCode: 0,
      outcome: 'ok',
    });
    expect(audit[1]?.hostKeyFingerprint).not.toBe(audit[0]?.hostKeyFingerprint);
    expect(audit[1]?.bytes).toBeGreaterThan(100);
    expect(audit[1]?.bytesSent).toBe(usageScript().text.length);
  });

  it('measures the clock of a node against ours', async () => {
    const { prober } = await setupProber();
    const result = await prober.probe(batchOf([targetOf('n', await healthyNode())]));
    expect(readings(result, 'n').clock_offset).toBeCloseTo(7, 1);
  });

  it('drops samples whose labels the check excludes, and nothing else', async () => {
    const node = await healthyNode();
    const all = await (await setupProber()).prober.probe(batchOf([targetOf('n', node)]));
    const { prober } = await setupProber(
      {},
      { whereNot: { mount: ['*'], device: ['eth*'], node: ['other'] } },
    );
    const some = await prober.probe(batchOf([targetOf('n', node)]));
    const names = (result: typeof all) => Object.keys(readings(result, 'n'));
    expect(names(all)).toContain('net_rx eth0');
    expect(names(some)).toEqual(names(all).filter((name) => !name.endsWith(' eth0')));
  });

  it('fails when the audit cannot be written: there is no access without it', async () => {
    const { prober, audit } = await setupProber();
    audit.push = () => {
      throw new Error('disk full');
    };
    await expect(prober.probe(batchOf([targetOf('n', await healthyNode())]))).rejects.toThrow('disk full');
  });
});

describe('rates', () => {
  it('need a second run of the script in the first round only', async () => {
    const node = await healthyNode();
    const { prober } = await setupProber();
    const batch = batchOf([targetOf('n', node)]);
    const first = await prober.probe(batch);
    expect(node.commands).toHaveLength(2);
    expect(readings(first, 'n')).toMatchObject({ cpu_usage: 50, 'net_rx eth0': 1_000, 'net_tx eth0': 100 });
    const second = await prober.probe(batch);
    expect(node.commands).toHaveLength(3);
    expect(readings(second, 'n')).toMatchObject({ cpu_usage: 50, 'net_rx eth0': 1_000 });
  });

  it('are kept in one object per batch and check', async () => {
    const { prober, counters } = await setupProber();
    const targets = [targetOf('n', await healthyNode()), targetOf('m', await healthyNode())];
    await prober.probe(batchOf(targets, { index: 2, count: 5 }));
    expect([...counters.keys()]).toEqual(['b/2of5/usage', 'b/2of5/label-sets']);
    expect(JSON.stringify(counters.get('b/2of5/usage'))).toContain('"c/m"');
  });

  it('continue after a restart of ours, and start anew after a reboot of the node', async () => {
    let boot = 'a';
    const node = await keep(
      startFakeNode((channel, _, count) => answer(channel, output(count, `${boot}-0000000`))),
    );
    const { prober, counters } = await setupProber();
    const batch = batchOf([targetOf('n', node)]);
    await prober.probe(batch);
    const again = await setupProber();
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
  ])('start anew if the stored value is %s', async (_, value) => {
    const { prober, counters } = await setupProber();
    counters.set('b/0of1/usage', value);
    const result = await prober.probe(batchOf([targetOf('n', await healthyNode())]));
    expect(readings(result, 'n').cpu_usage).toBe(50);
  });

  it('are missing if the second run fails: the result of the first stands', async () => {
    const node = await keep(
      startFakeNode((channel, _, count) => (count === 0 ? answer(channel, output(0)) : channel.close())),
    );
    const { prober } = await setupProber();
    const result = await prober.probe(batchOf([targetOf('n', node)]));
    expect(readings(result, 'n')).toMatchObject({ load1: 1 });
    expect(readings(result, 'n')).not.toHaveProperty('cpu_usage');
    expect(result.observations[0]?.result).toMatchObject({
      notes: expect.arrayContaining([expect.stringMatching(/^no rates yet: the connection ended/)]),
    });
  });
});
