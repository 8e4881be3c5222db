import { describe, expect, it } from 'vitest';
import type { BatchObservation } from '../../core/model/observation.ts';
import { samplesOf } from '../../core/parse/samples.ts';
import { bastionConfig, batchOf, outcomes, targetOf } from '../../test/prober-fixture.ts';
import { bastion, healthyNodes, keep, setupProber, useBastion } from '../../test/prober-fleet.ts';
import { type FakeNode, startFakeBastion } from '../../test/ssh-fleet.ts';

useBastion();

const otherBastions = ['second'];

/** A prober whose nodes have the bastion of the test, `b`, and another one. */
async function setup(nodes: readonly FakeNode[]) {
  const second = await keep(startFakeBastion());
  const fixture = await setupProber(
    {},
    { otherBastions: [bastionConfig(second, { name: 'second' })], keep: 'all' },
  );
  const targets = nodes.map((node, i) => targetOf(`n${i}`, node, { otherBastions }));
  let roundMs = 0;
  const round = () => {
    roundMs += 60_000;
    return fixture.prober.probe(batchOf(targets, { otherBastions, roundMs, checksBastions: true }));
  };
  return { second, round, ...fixture };
}

function bastionsUp(result: BatchObservation): Record<string, number> {
  const found = samplesOf(result).filter(({ metric }) => metric === 'bastion_up');
  return Object.fromEntries(found.map(({ labels, value }) => [labels.bastion, value]));
}

describe('nodes behind two bastions', () => {
  it('are probed through the first; a login shows that the second works', async () => {
    const nodes = await healthyNodes(2);
    const { second, round, audit } = await setup(nodes);
    const result = await round();
    expect(outcomes(result)).toEqual(['n0: ok', 'n1: ok']);
    expect(bastionsUp(result)).toEqual({ b: 1, second: 1 });
    expect(second.dialled).toEqual([]);
    expect(nodes.map(({ logins }) => logins)).toEqual([1, 1]);
    expect(audit.filter(({ bastion: name }) => name === 'second')).toMatchObject([{ outcome: 'ok' }]);
  });

  it('are up where only the second reaches them, and the audit says which way was taken', async () => {
    const nodes = await healthyNodes(3);
    const { round, audit } = await setup(nodes);
    bastion.forbid(nodes[1]?.port ?? 0);
    const result = await round();
    expect(outcomes(result)).toEqual(['n0: ok', 'n1: ok', 'n2: ok']);
    const ways = result.observations.flatMap(({ target, through, missedBy }) =>
      through === undefined ? [] : [`${target.node}: ${through}, not ${missedBy}`],
    );
    expect(ways).toEqual(['n1: second, not b']);
    const ofNode = audit.filter(({ target }) => target === 'c/n1');
    expect(ofNode.map(({ bastion: name, outcome }) => `${name}: ${outcome}`)).toEqual([
      'b: forbidden',
      'second: ok',
      'second: ok',
    ]);
  });

  it('keep the counters of nodes that need no second opinion', async () => {
    const nodes = await healthyNodes(2);
    const { round, counters } = await setup(nodes);
    bastion.forbid(nodes[1]?.port ?? 0);
    await round();
    const stored = JSON.stringify(counters.get('b/0of1/usage'));
    expect(stored).toContain('"c/n0"');
    expect(stored).toContain('"c/n1"');
  });

  it('are down where neither reaches them', async () => {
    const nodes = await healthyNodes(2);
    const { second, round } = await setup(nodes);
    for (const one of [bastion, second]) one.forbid(nodes[1]?.port ?? 0);
    const result = await round();
    expect(outcomes(result)).toEqual(['n0: ok', 'n1: forbidden/dial']);
  });

  it('are watched on when the first bastion dies, in the same round', async () => {
    const nodes = await healthyNodes(2);
    const { second, round } = await setup(nodes);
    await round();
    bastion.shut();
    bastion.kill();
    for (let i = 0; i < 2; i++) {
      const result = await round();
      expect(result.bastion).toEqual({ ok: true });
      expect(outcomes(result)).toEqual(['n0: ok', 'n1: ok']);
      expect(bastionsUp(result)).toEqual({ b: 0, second: 1 });
    }
    expect(second.dialled.length).toBeGreaterThanOrEqual(2);
  });

  it('are unknown when both die', async () => {
    const nodes = await healthyNodes(1);
    const { second, round } = await setup(nodes);
    for (const one of [bastion, second]) {
      one.shut();
      one.kill();
    }
    const result = await round();
    expect(result.bastion.ok).toBe(false);
    expect(result.observations).toEqual([]);
    expect(bastionsUp(result)).toEqual({ b: 0, second: 0 });
  });

  it('show a changed host key that the first bastion leads to, whatever the second says', async () => {
    const [node] = (await healthyNodes(1)) as [FakeNode];
    const second = await keep(startFakeBastion());
    const { prober } = await setupProber({}, { otherBastions: [bastionConfig(second, { name: 'second' })] });
    const target = targetOf('n0', { ...node, hostKey: bastion.hostKey }, { otherBastions });
    const result = await prober.probe(batchOf([target], { otherBastions }));
    expect(outcomes(result)).toEqual(['n0: host-key/handshake']);
    expect(second.dialled).toEqual([]);
  });

  it('cost the unused bastion one login a round, however many batches there are', async () => {
    const nodes = await healthyNodes(3);
    const { prober, audit } = await setup(nodes);
    const batches = nodes.map((node, index) => {
      const target = targetOf(`n${index}`, node, { otherBastions });
      return batchOf([target], { otherBastions, index, count: 3, checksBastions: true });
    });
    const results = await Promise.all(batches.map((batch) => prober.probe(batch)));
    expect(results.map(bastionsUp)).toEqual(Array(3).fill({ b: 1, second: 1 }));
    expect(audit.filter(({ bastion: name }) => name === 'second')).toHaveLength(1);
  });
});
