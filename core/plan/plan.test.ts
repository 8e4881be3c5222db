import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Check } from '../model/check.ts';
import type { BastionConfig } from '../model/config.ts';
import type { Target } from '../model/target.ts';
import { nextRoundMs, planRound, tickIntervalMs } from './plan.ts';

const check = (name: string, everyMs: number, where: Check['where'] = {}): Check => ({
  name,
  probe: 'usage',
  everyMs,
  where,
  options: {},
});
const target = (cluster: string, node: string, bastion = 'b1', role: Target['role'] = 'etcd'): Target => ({
  cluster,
  node,
  role,
  host: '127.0.0.1',
  port: 22,
  user: 'probe',
  bastion,
  hostKeys: [],
});
const bastion = (name: string, batchSize = 100): BastionConfig => ({
  name,
  host: '127.0.0.1',
  port: 22,
  user: 'probe',
  privateKey: '',
  hostKeys: [],
  maxConnections: 8,
  batchSize,
  concurrency: 50,
  deadlines: { bastionMs: 1, dialMs: 1, handshakeMs: 1, execMs: 1 },
  maxOutputBytes: 1,
});

it('leaves out what any label of `whereNot` matches', () => {
  const checks: Check[] = [
    { ...check('a', 60_000), whereNot: { node: ['*-9'], role: ['apiserver'], mount: ['*'] } },
  ];
  const targets = [target('prod', 'n-1'), target('prod', 'n-9'), target('prod', 'api-1', 'b1', 'apiserver')];
  const batches = planRound({ roundMs: 0, checks, targets, bastions: [bastion('b1')] });
  expect(batches.flatMap((batch) => batch.targets.map(({ node }) => node))).toEqual(['n-1']);
});

describe('tick', () => {
  it('meets every check', () => {
    expect(tickIntervalMs([check('a', 60_000), check('b', 90_000)])).toBe(30_000);
    expect(tickIntervalMs([check('a', 60_000)])).toBe(60_000);
  });
  it('is aligned to the epoch', () => {
    expect(nextRoundMs(61_000, 60_000)).toBe(120_000);
    expect(nextRoundMs(120_000, 60_000)).toBe(180_000);
  });
});

describe('planRound', () => {
  it('groups by bastion and leaves out what is not due', () => {
    const targets = [target('c1', 'n1'), target('c1', 'n2'), target('c2', 'n1', 'b2')];
    const checks = [check('usage', 60_000), check('slow', 300_000)];
    const batches = planRound({ roundMs: 60_000, checks, targets, bastions: [bastion('b1'), bastion('b2')] });
    expect(batches.map((b) => [b.bastion, b.checks, b.targets.length, b.expiresAtMs])).toEqual([
      ['b1', ['usage'], 2, 120_000],
      ['b2', ['usage'], 1, 120_000],
    ]);
    const both = planRound({ roundMs: 300_000, checks, targets, bastions: [bastion('b1')] });
    expect(both[0]?.checks).toEqual(['usage', 'slow']);
  });

  it('leaves a batch an interval from the latest start of its round', () => {
    const checks = [check('slow', 300_000), check('usage', 60_000)];
    const targets = [target('c1', 'n1')];
    const [batch] = planRound({ roundMs: 0, startsByMs: 60_000, checks, targets, bastions: [bastion('b1')] });
    expect([batch?.intervalMs, batch?.expiresAtMs]).toEqual([60_000, 120_000]);
  });

  it('gives targets with other checks a batch of their own', () => {
    const checks = [check('usage', 60_000), check('etcd', 60_000, { role: ['etcd'] })];
    const targets = [target('c1', 'n1'), target('c1', 'n2', 'b1', 'apiserver')];
    const batches = planRound({ roundMs: 0, checks, targets, bastions: [bastion('b1')] });
    expect(batches.map((b) => [b.index, b.count, b.checks, b.targets.map((t) => t.node)])).toEqual([
      [0, 2, ['usage'], ['n2']],
      [1, 2, ['usage', 'etcd'], ['n1']],
    ]);
  });

  it('covers every target exactly once, and keeps its batch while the count is the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 50 }), (count, size) => {
        const targets = Array.from({ length: count }, (_, i) => target(`c${i % 7}`, `n${i}`));
        const plan = (list: Target[], roundMs: number) =>
          planRound({
            roundMs,
            checks: [check('usage', 60_000)],
            targets: list,
            bastions: [bastion('b1', size)],
          });
        const first = plan(targets, 0);
        expect(first.flatMap((b) => b.targets).length).toBe(count);
        const batchOf = new Map(first.flatMap((b) => b.targets.map((t) => [t.node, b.index] as const)));
        const later = plan([...targets].reverse().slice(1), 60_000);
        for (const batch of later) {
          if (batch.count !== first[0]?.count) continue;
          for (const t of batch.targets) expect(batch.index).toBe(batchOf.get(t.node));
        }
      }),
      { numRuns: 50 },
    );
  });

  it('numbers the batches of a bastion over all its groups, and mixes no groups', () => {
    const checks = [check('usage', 60_000), check('etcd', 60_000, { role: ['etcd'] })];
    const targets = Array.from({ length: 50 }, (_, i) =>
      target('c1', `n${i}`, 'b1', i < 30 ? 'etcd' : 'apiserver'),
    );
    const batches = planRound({ roundMs: 0, checks, targets, bastions: [bastion('b1', 10)] });
    // Two for the twenty with one check, three for the thirty with both.
    expect(batches.map(({ index, count, checks: names }) => [index, count, names.length])).toEqual([
      [0, 5, 1],
      [1, 5, 1],
      [2, 5, 2],
      [3, 5, 2],
      [4, 5, 2],
    ]);
    for (const { checks: names, targets: list } of batches) {
      expect(new Set(list.map(({ role }) => role))).toEqual(
        new Set([names.length === 2 ? 'etcd' : 'apiserver']),
      );
    }
    expect(new Set(batches.flatMap((b) => b.targets.map(({ node }) => node))).size).toBe(50);
  });

  it('makes no batch without targets', () => {
    const targets = Array.from({ length: 12 }, (_, i) => target('c1', `n${i}`));
    const batches = planRound({
      roundMs: 0,
      checks: [check('usage', 60_000)],
      targets,
      bastions: [bastion('b1', 1)],
    });
    expect(batches.length).toBeLessThan(12);
    expect(batches.every((b) => b.targets.length > 0 && b.count === 12 && b.index < 12)).toBe(true);
  });

  it.each([
    [0, ['two', 'three'], 2],
    [2, ['two'], 2],
    [3, ['three'], 3],
    [5, [], undefined],
  ] as const)(
    'at minute %d has the checks %j, and lasts as long as the most frequent of them',
    (minute, names, minutes) => {
      const checks = [check('two', 120_000), check('three', 180_000)];
      const roundMs = minute * 60_000;
      const batches = planRound({
        roundMs,
        checks,
        targets: [target('c1', 'n1')],
        bastions: [bastion('b1')],
      });
      expect(batches.flatMap((b) => b.checks)).toEqual(names);
      expect(batches[0]?.intervalMs).toBe(minutes && minutes * 60_000);
      expect(batches[0]?.expiresAtMs).toBe(minutes && roundMs + minutes * 60_000);
    },
  );

  it('keeps a target in its batch whatever is due', () => {
    const checks = [check('usage', 60_000), check('slow', 300_000, { role: ['apiserver'] })];
    const targets = Array.from({ length: 20 }, (_, i) =>
      target('c1', `n${i}`, 'b1', i % 2 === 0 ? 'etcd' : 'apiserver'),
    );
    const plan = (roundMs: number) =>
      planRound({ roundMs, checks, targets, bastions: [bastion('b1', 5)] }).map((b) => [
        b.index,
        b.count,
        b.targets.map(({ node }) => node),
      ]);
    expect(plan(60_000)).toEqual(plan(300_000));
  });

  it('plans nothing of a target that no check selects', () => {
    const checks = [check('etcd', 60_000, { role: ['etcd'] })];
    const targets = [target('c1', 'n1', 'b1', 'apiserver'), target('c1', 'n2')];
    const batches = planRound({ roundMs: 0, checks, targets, bastions: [bastion('b1')] });
    expect(batches).toMatchObject([{ index: 0, count: 1, targets: [{ node: 'n2' }] }]);
  });
});
