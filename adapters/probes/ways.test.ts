import { describe, expect, it } from 'vitest';
import type { Batch } from '../../core/model/batch.ts';
import type { BatchObservation, Failure, Observation } from '../../core/model/observation.ts';
import type { Target } from '../../core/model/target.ts';
import { samplesOf } from '../../core/parse/samples.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { createRandom } from '../../test/simulation/random.ts';
import { probeByWays, type WayPorts } from './ways.ts';

const ROUND_MS = 60_000;
const SILENT: Failure = { reason: 'timeout', phase: 'dial', detail: 'no answer' };
const LOST: Failure = { reason: 'unreachable', phase: 'bastion', detail: 'no route' };

/** What works in a round: bastions, nodes, and ways from a bastion to a node. */
interface Network {
  isUp(bastion: string): boolean;
  isAlive(node: string): boolean;
  leads(bastion: string, node: string): boolean;
  /** A bastion that forbids connections to all nodes that it is asked about. */
  forbids?: string;
  /** Hears of each bastion that nodes are probed through. */
  onProbe?: (bastion: string) => void;
}

const FORBIDDEN: Failure = { reason: 'forbidden', phase: 'bastion', detail: 'forwarding is forbidden' };
const WHOLE: Network = { isUp: () => true, isAlive: () => true, leads: () => true };

function targetOf(node: string, otherBastions: readonly string[]): Target {
  const address = { host: node, port: 22, user: 'probe', hostKeys: [] };
  return { cluster: 'c', node, role: 'etcd', ...address, bastion: 'a', otherBastions };
}

function batchOf(nodes: readonly string[], changes: Partial<Batch> = {}): Batch {
  const otherBastions = ['b'];
  const base = { roundMs: ROUND_MS, bastion: 'a', otherBastions, index: 0, count: 1, checks: ['usage'] };
  const targets = nodes.map((node) => targetOf(node, otherBastions));
  return { ...base, targets, intervalMs: 10_000, expiresAtMs: ROUND_MS + 10_000, ...changes };
}

/** Bastions that answer as the network of the round lets them, and what they were asked. */
function createFake() {
  const counters = new Map<string, unknown>();
  const asked: string[] = [];
  let network = WHOLE;
  const ports: WayPorts = {
    counters: {
      load: async (key) => counters.get(key),
      save: async (key, value) => void counters.set(key, JSON.parse(JSON.stringify(value))),
    },
    logger: createRecordingLogger(),
    async probeThrough({ bastion, batch, targets, onUncertain, onNode }): Promise<BatchObservation> {
      asked.push(`${bastion}: ${targets.map(({ node }) => node).join(' ')}`);
      if (!network.isUp(bastion)) return { batch, bastion: { ok: false, failure: LOST }, observations: [] };
      network.onProbe?.(bastion);
      if (network.forbids === bastion) {
        return { batch, bastion: { ok: false, failure: FORBIDDEN }, observations: [] };
      }
      const observations = targets.map((target): Observation => {
        const seen = network.isAlive(target.node) && network.leads(bastion, target.node);
        const base = { check: 'usage', target, roundMs: batch.roundMs, observedAtMs: 0, durationMs: 1 };
        const result = seen
          ? ({ ok: true, samples: [], notes: [] } as const)
          : ({ ok: false, failure: SILENT } as const);
        const observation = { ...base, result };
        if (seen) onNode?.([observation]);
        else onUncertain?.(observation);
        return observation;
      });
      return { batch, bastion: { ok: true }, observations };
    },
    async checkBastion(bastion) {
      asked.push(`${bastion}?`);
      return network.isUp(bastion) ? { ok: true } : { ok: false, failure: LOST };
    },
  };
  const round = (
    now: Partial<Network>,
    batch: Batch,
    onNode?: (seen: readonly Observation[]) => void,
    signal?: AbortSignal,
  ) => {
    network = { ...WHOLE, ...now };
    asked.length = 0;
    return probeByWays(batch, { ...(onNode && { onNode }), ...(signal && { signal }) }, ports);
  };
  return { round, asked, counters };
}

function valuesOf(result: BatchObservation, metric: string): Record<string, number> {
  const found = samplesOf(result).filter((sample) => sample.metric === metric);
  return Object.fromEntries(found.map(({ labels, value }) => [labels.node ?? labels.bastion, value]));
}

describe('a batch with two bastions', () => {
  it('goes through the first one alone while that reaches all nodes', async () => {
    const fake = createFake();
    const result = await fake.round({}, batchOf(['n1', 'n2']));
    expect(fake.asked).toEqual(['a: n1 n2']);
    expect(valuesOf(result, 'up')).toEqual({ n1: 1, n2: 1 });
    expect(valuesOf(result, 'way_lost')).toEqual({ n1: 0, n2: 0 });
    expect(valuesOf(result, 'bastion_up')).toEqual({ a: 1 });
    expect(fake.counters.size).toBe(0);
  });

  it('checks the second one in one batch of a round', async () => {
    const fake = createFake();
    const up = await fake.round({}, batchOf(['n1'], { checksBastions: true }));
    expect(fake.asked).toEqual(['a: n1', 'b?']);
    expect(valuesOf(up, 'bastion_up')).toEqual({ a: 1, b: 1 });
    const down = await fake.round(
      { isUp: (name) => name === 'a' },
      batchOf(['n1'], { checksBastions: true }),
    );
    expect(valuesOf(down, 'bastion_up')).toEqual({ a: 1, b: 0 });
    expect(valuesOf(down, 'up')).toEqual({ n1: 1 });
  });

  it('believes the second one about a node that the first one does not reach', async () => {
    const fake = createFake();
    const leads = (bastion: string, node: string) => bastion === 'b' || node !== 'n1';
    const early: Observation[] = [];
    const result = await fake.round({ leads }, batchOf(['n1', 'n2']), (seen) => early.push(...seen));
    expect(fake.asked).toEqual(['a: n1 n2', 'b: n1']);
    expect(valuesOf(result, 'up')).toEqual({ n1: 1, n2: 1 });
    expect(valuesOf(result, 'way_lost')).toEqual({ n1: 1, n2: 0 });
    expect(samplesOf(result).find(({ metric }) => metric === 'way_lost')?.labels.bastion).toBe('a');
    // What is in doubt is stored with the whole batch alone, and what was stored early is known again.
    expect(early.map(({ target }) => target.node)).toEqual(['n2']);
    expect(early.every((one) => result.observations.includes(one))).toBe(true);
  });

  it('calls a node down that neither reaches, and says that both were asked', async () => {
    const fake = createFake();
    const result = await fake.round({ isAlive: (node) => node !== 'n1' }, batchOf(['n1', 'n2']));
    expect(valuesOf(result, 'up')).toEqual({ n1: 0, n2: 1 });
    expect(valuesOf(result, 'way_lost')).toEqual({ n2: 0 });
    const [down] = result.observations;
    expect(down?.result).toMatchObject({
      failure: { detail: 'no answer; bastion b does not reach it either' },
    });
  });

  it('lets the word of one stand while the other one is lost, and says so', async () => {
    const fake = createFake();
    const only = { isUp: (name: string) => name === 'a', isAlive: () => false };
    const result = await fake.round(only, batchOf(['n1']));
    expect(valuesOf(result, 'up')).toEqual({ n1: 0 });
    expect(result.observations[0]?.result).toMatchObject({
      failure: { detail: 'no answer; no other bastion could be asked' },
    });
  });

  it('does not call the second one lost that forbids the one node in doubt', async () => {
    const fake = createFake();
    const now = { forbids: 'b', isAlive: (node: string) => node !== 'n1' };
    const result = await fake.round(now, batchOf(['n1', 'n2']));
    expect(valuesOf(result, 'up')).toEqual({ n1: 0, n2: 1 });
    expect(valuesOf(result, 'bastion_up')).toEqual({ a: 1, b: 1 });
    expect(result.observations[0]?.result).toMatchObject({
      failure: { detail: 'no answer; bastion b does not reach it either' },
    });
  });

  it('leaves a node unknown when the time is over before the second one is asked', async () => {
    const fake = createFake();
    const stop = new AbortController();
    const now = { isAlive: (node: string) => node !== 'n1', onProbe: () => stop.abort() };
    const result = await fake.round(now, batchOf(['n1', 'n2']), undefined, stop.signal);
    expect(fake.asked).toEqual(['a: n1 n2']);
    expect(valuesOf(result, 'up')).toEqual({ n2: 1 });
    expect(valuesOf(result, 'bastion_up')).toEqual({ a: 1 });
  });

  it('leaves a node unknown when the time is over while the second one is asked, and calls no bastion lost', async () => {
    const fake = createFake();
    const stop = new AbortController();
    const now = {
      forbids: 'b',
      isAlive: (node: string) => node !== 'n1',
      onProbe: (bastion: string) => bastion === 'b' && stop.abort(),
    };
    const result = await fake.round(now, batchOf(['n1', 'n2']), undefined, stop.signal);
    expect(valuesOf(result, 'up')).toEqual({ n2: 1 });
    expect(valuesOf(result, 'bastion_up')).toEqual({ a: 1 });
  });

  it('goes through the second one while the first is lost, and returns after two good rounds', async () => {
    const fake = createFake();
    const lost = { isUp: (name: string) => name === 'b' };
    const batch = batchOf(['n1']);
    const early: Observation[] = [];
    const result = await fake.round(lost, batch, (seen) => early.push(...seen));
    expect(result.bastion).toEqual({ ok: true });
    expect(valuesOf(result, 'bastion_up')).toEqual({ a: 0, b: 1 });
    expect(valuesOf(result, 'up')).toEqual({ n1: 1 });
    expect(result.observations[0]?.through).toBe('b');
    expect(early[0]).toBe(result.observations[0]);

    const asked: string[][] = [];
    for (const now of [lost, WHOLE, WHOLE, WHOLE]) {
      await fake.round(now, batch);
      asked.push([...fake.asked].sort());
    }
    expect(asked).toEqual([['a?', 'b: n1'], ['a?', 'b: n1'], ['a?', 'b: n1'], ['a: n1']]);
  });

  it('leaves nodes unknown while both are lost', async () => {
    const fake = createFake();
    const result = await fake.round({ isUp: () => false }, batchOf(['n1']));
    expect(result.bastion).toEqual({ ok: false, failure: LOST });
    expect(valuesOf(result, 'bastion_up')).toEqual({ a: 0, b: 0 });
    expect(valuesOf(result, 'up')).toEqual({});
  });
});

describe('200 seeded histories of partitions', () => {
  const nodes = ['n1', 'n2', 'n3', 'n4'];
  it.each(Array.from({ length: 200 }, (_, i) => i))('seed %i', async (seed) => {
    const random = createRandom(seed);
    const fake = createFake();
    /** What is broken now; each round breaks and mends a little. One direction that is cut is a way that does not lead. */
    const broken = new Set<string>();
    const all = [
      ...['a', 'b'].flatMap((bastion) => [bastion, ...nodes.map((node) => `${bastion}>${node}`)]),
      ...nodes,
    ];
    for (let round = 0; round < 20; round++) {
      for (const one of all) {
        if (random.chance(broken.has(one) ? 0.3 : 0.08))
          broken.has(one) ? broken.delete(one) : broken.add(one);
      }
      const now: Network = {
        isUp: (bastion) => !broken.has(bastion),
        isAlive: (node) => !broken.has(node),
        leads: (bastion, node) => !broken.has(`${bastion}>${node}`),
      };
      const result = await fake.round(now, batchOf(nodes, { checksBastions: true }));
      const answering = ['a', 'b'].filter(now.isUp);
      const up = valuesOf(result, 'up');
      for (const node of nodes) {
        const leading = answering.filter((bastion) => now.leads(bastion, node));
        const expected = answering.length === 0 ? undefined : now.isAlive(node) && leading.length > 0 ? 1 : 0;
        expect(up[node], `${node} in round ${round}`).toBe(expected);
      }
      expect(valuesOf(result, 'bastion_up')).toEqual({ a: now.isUp('a') ? 1 : 0, b: now.isUp('b') ? 1 : 0 });
    }
  });
});
