import { describe, expect, it } from 'vitest';
import type { Rule } from '../model/rule.ts';
import type { Target } from '../model/target.ts';
import {
  isOfAnotherCount,
  ownsAlert,
  type Shard,
  shardCheckpoints,
  shardName,
  shardsOf,
  shardView,
  WHOLE,
} from './shards.ts';

const CROSS: Shard = { kind: 'crossCluster', count: 3 };
const CLUSTERS = Array.from({ length: 40 }, (_, i) => `c${i}`);
const targets = CLUSTERS.flatMap((cluster) =>
  ['n1', 'n2'].map((node) => ({ cluster, node, role: 'etcd' }) as Target),
);
const rule = (change: Partial<Rule> = {}) => ({ metric: 'cpu_usage', where: {}, ...change }) as Rule;
const sum = (by: readonly string[]) => ({ aggregate: { reduce: 'sum', by } }) as unknown as Partial<Rule>;

describe('shards', () => {
  it.each([0, 1])('of %d parts are the whole', (count) => {
    expect(shardsOf(count)).toEqual([WHOLE]);
  });

  it('are the parts, and one for what is in no single cluster; their checkpoints have names that tell counts apart', () => {
    const shards = shardsOf(3);
    expect(shards.map(shardName)).toEqual(['0/3', '1/3', '2/3', 'fleet']);
    expect(shards.map(({ kind }) => kind)).toEqual(['clusters', 'clusters', 'clusters', 'crossCluster']);
    expect(shardName(WHOLE)).toBe('local');
    expect(shards.map(shardCheckpoints)).toEqual([[], [], [], ['0/3', '1/3', '2/3']]);
    expect(shardCheckpoints(WHOLE)).toEqual([]);
  });

  it.each<[Shard, string[], string[]]>([
    [WHOLE, ['local'], ['0/1', '1/3', 'fleet']],
    [CROSS, ['0/3', '2/3', 'fleet'], ['0/2', '0/13', 'local']],
    [{ kind: 'clusters', index: 0, count: 3 }, ['0/3', '1/3', 'fleet'], ['0/2', '0/30', 'local']],
  ])('%j keeps checkpoints %j and drops %j', (shard, own, others) => {
    expect(own.filter((name) => isOfAnotherCount(shard, name))).toEqual([]);
    expect(others.filter((name) => !isOfAnotherCount(shard, name))).toEqual([]);
  });

  it('own each alert once: those of a cluster together, those of none in the last', () => {
    const shards = shardsOf(3);
    const ownersOf = (labels: Record<string, string>) => shards.filter((shard) => ownsAlert(shard, labels));
    for (const cluster of CLUSTERS) {
      const owners = ownersOf({ cluster, node: 'n1' });
      expect(owners).toHaveLength(1);
      expect(owners[0]?.kind).toBe('clusters');
      expect(ownersOf({ cluster })).toEqual(owners);
    }
    const sizes = shards.map((shard) => CLUSTERS.filter((cluster) => ownsAlert(shard, { cluster })).length);
    expect(Math.min(...sizes.slice(0, 3))).toBeGreaterThan(0);
    expect(ownersOf({ bastion: 'b' })).toEqual([CROSS]);
    expect(ownsAlert(WHOLE, { bastion: 'b' })).toBe(true);
    expect(ownsAlert(WHOLE, { cluster: 'c1' })).toBe(true);
  });
});

describe('a rule in a shard', () => {
  const part: Shard = { kind: 'clusters', index: 1, count: 3 };
  const inPart = CLUSTERS.filter((cluster) => ownsAlert(part, { cluster }));

  it.each<[string, Rule, ...(string | undefined)[]]>([
    ['of nodes', rule(), 'evaluate', 'evaluate', undefined],
    ['of clusters', rule(sum(['cluster'])), 'evaluate', 'evaluate', undefined],
    ['across clusters', rule(sum(['role'])), 'evaluate', 'writePartial', 'mergePartials'],
    ['of bastions', rule({ metric: 'bastion_up' }), 'evaluate', undefined, 'evaluate'],
    ['over bastions', rule({ metric: 'bastion_up', ...sum([]) }), 'evaluate', undefined, 'evaluate'],
  ])('%s', (_, one, whole, clusters, cross) => {
    expect([WHOLE, part, CROSS].map((shard) => shardView(shard, one, targets)?.task)).toEqual([
      whole,
      clusters,
      cross,
    ]);
  });

  it('sees the nodes and clusters of its part alone, each cluster asked for once', () => {
    const view = shardView(part, rule(), targets);
    expect(view?.targets).toEqual(targets.filter(({ cluster }) => inPart.includes(cluster)));
    expect(view?.selection).toEqual({ where: { cluster: inPart } });
  });

  it('asks for no cluster that the rule leaves out, and keeps its other conditions', () => {
    const [first = '', second = '', third = ''] = inPart;
    const where = { cluster: [first, second, 'other'], role: ['etcd'] };
    const whereNot = { cluster: [second], node: ['n2'] };
    expect(shardView(part, rule({ where, whereNot }), targets)?.selection).toEqual({
      where: { cluster: [first], role: ['etcd'] },
      whereNot,
    });
    expect(shardView(part, rule({ where: { cluster: ['x*'] } }), targets)?.selection).toEqual({
      where: { cluster: [] },
    });
    expect(shardView(part, rule({ where: { cluster: [`${third[0]}*`] } }), targets)?.selection).toEqual({
      where: { cluster: inPart },
    });
  });

  it('has all of the fleet where the shard is the whole, or the last', () => {
    const where = { cluster: ['c1'] };
    for (const [shard, one] of [
      [WHOLE, rule({ where })],
      [CROSS, rule({ where, ...sum(['role']) })],
      [CROSS, rule({ where, metric: 'bastion_up' })],
    ] as const) {
      expect(shardView(shard, one, targets)).toMatchObject({ targets, selection: { where } });
    }
  });
});
