// A fleet judged in parts comes to what it comes to as a whole.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CLUSTERS, createShardWorld, MINUTE, ruleOf as rule, targets } from '../../test/shard-world.ts';
import type { Labels, Sample, Target } from '../model.ts';
import { type Shard, shardsOf, WHOLE } from '../plan/shards.ts';

const ROUNDS = 14;
const above = (threshold: number) => ({ kind: 'above', threshold }) as const;
const below = (threshold: number) => ({ kind: 'below', threshold }) as const;
const rules = [
  rule('plain', {}),
  rule('every', { aggregate: { by: [], op: 'max' } }),
  rule('some', { where: { cluster: ['c1', 'c[1-9]', 'c?'], node: ['*-a'] }, noData: 'alerting' }),
  rule('by-cluster', { aggregate: { by: ['cluster'], op: 'max' } }),
  rule('fleet', { aggregate: { by: [], op: 'avg' }, condition: above(50), noData: 'alerting' }),
  rule('by-role', { aggregate: { by: ['role'], op: 'count' }, condition: below(12) }),
  rule('bastion', { metric: 'bastion_up', condition: below(1), noData: 'alerting' }),
  rule('bastions', { metric: 'bastion_up', aggregate: { by: [], op: 'max' }, condition: below(1) }),
  rule('down', { metric: 'up', condition: below(1) }),
];

async function transitionsOf(
  samples: readonly Sample[],
  shards: readonly Shard[],
  lastTargets: readonly Target[],
) {
  const world = createShardWorld({ samples, rules });
  const found: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Clusters, a node and rules are gone by the last two rounds.
    const change = round >= ROUNDS - 2 ? { rules: rules.slice(2), targets: lastTargets } : {};
    for (const shard of shards) found.push(...(await world.judge(shard, round, change)));
  }
  const { asked, state } = world;
  return { transitions: found.sort(), left: await world.left(), asked, known: await state.listRules() };
}

const values = fc.array(fc.constantFrom(40, 95, undefined), { minLength: ROUNDS, maxLength: ROUNDS });

it('has the same transitions in parts as whole (property)', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(values, { minLength: targets.length, maxLength: targets.length }),
      fc.integer({ min: 2, max: 5 }),
      fc.subarray(targets),
      async (byTarget, count, lastTargets) => {
        const samples = targets.flatMap(({ cluster, node, role }, t) => {
          const labels: Labels = { cluster, node, role };
          return (byTarget[t] ?? []).flatMap((value, round): Sample[] => {
            const timeMs = round * MINUTE;
            const up = { metric: 'up', labels, timeMs, value: value === undefined ? 0 : 1 };
            return value === undefined ? [up] : [up, { metric: 'mem_usage', labels, timeMs, value }];
          });
        });
        const bastions = (byTarget[0] ?? []).map((value, round) => ({
          metric: 'bastion_up',
          labels: { bastion: 'b0', batch: '0' },
          timeMs: round * MINUTE,
          value: value === 95 ? 0 : 1,
        }));
        const all = [...samples, ...bastions];
        const whole = await transitionsOf(all, [WHOLE], lastTargets);
        const parts = await transitionsOf(all, shardsOf(count), lastTargets);
        expect(parts.transitions).toEqual(whole.transitions);
        expect(parts.left).toEqual(whole.left);
        expect(parts.known).toEqual(whole.known);
      },
    ),
    { numRuns: 25 },
  );
});

it('asks for the clusters of the part only, once a rule', async () => {
  const { asked } = await transitionsOf([], [{ kind: 'clusters', index: 0, count: 3 }], targets);
  const clusters = new Set(asked.flatMap((line) => line.split(' ').slice(1)));
  expect(clusters.has('*')).toBe(false);
  expect(clusters.size).toBeLessThan(CLUSTERS.length);
  expect(asked.some((line) => line.startsWith('bastion_up'))).toBe(false);
});

it('asks for bastions only where the fleet is judged', async () => {
  const world = createShardWorld({ samples: [], rules });
  for (const shard of shardsOf(3)) {
    world.asked.length = 0;
    await world.judge(shard, 0);
  }
  expect(world.asked).toEqual(['bastion_up *', 'bastion_up *']);
});
