// A fleet that is evaluated in shards has the same results as one evaluated as a whole.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CLUSTERS, createShardFixture, MINUTE, ruleOf as rule, targets } from '../../test/shard-fixture.ts';
import type { Labels } from '../model/labels.ts';
import type { Sample } from '../model/sample.ts';
import type { Target } from '../model/target.ts';
import { type Shard, shardsOf, WHOLE } from '../plan/shards.ts';

const ROUNDS = 14;
const above = (threshold: number) => ({ kind: 'above', threshold }) as const;
const below = (threshold: number) => ({ kind: 'below', threshold }) as const;
const rules = [
  rule('plain', {}),
  rule('every', { aggregate: { by: [], op: 'max' } }),
  rule('some', { where: { cluster: ['c1', 'c[1-9]', 'c?'], node: ['*-a'] }, noData: 'alerting' }),
  rule('without', { whereNot: { cluster: ['c2', 'c[3-9]'], node: ['*-b'] }, noData: 'alerting' }),
  rule('by-cluster', { aggregate: { by: ['cluster'], op: 'max' } }),
  rule('fleet', { aggregate: { by: [], op: 'avg' }, condition: above(50), noData: 'alerting' }),
  rule('fleet-ratio', {
    over: 'swap_usage',
    aggregate: { by: [], op: 'avg' },
    whereNot: { cluster: ['c[1-4]', 'c5'], role: ['apiserver'] },
    condition: above(150),
  }),
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
  const fixture = createShardFixture({ samples, rules });
  const found: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Clusters, a node and rules are gone by the last two rounds.
    const change = round >= ROUNDS - 2 ? { rules: rules.slice(2), targets: lastTargets } : {};
    for (const shard of shards) found.push(...(await fixture.evaluate(shard, round, change)));
  }
  const { asked, state } = fixture;
  return {
    transitions: found.sort(),
    left: await fixture.openAlerts(),
    asked,
    known: await state.listRules(),
  };
}

const values = fc.array(fc.constantFrom(40, 95, undefined), { minLength: ROUNDS, maxLength: ROUNDS });

it('has the same transitions in parts as whole (property)', async () => {
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
            const swap = { metric: 'swap_usage', labels, timeMs, value: 40 + (t % 3) * 10 };
            return value === undefined
              ? [up, swap]
              : [up, swap, { metric: 'mem_usage', labels, timeMs, value }];
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

it('asks for bastions only where the fleet is evaluated', async () => {
  const fixture = createShardFixture({ samples: [], rules });
  for (const shard of shardsOf(3)) {
    fixture.asked.length = 0;
    await fixture.evaluate(shard, 0);
  }
  expect(fixture.asked).toEqual(['bastion_up *']);
});

it('asks once for each metric of a rule', async () => {
  const fixture = createShardFixture({ samples: [], rules: rules.filter(({ over }) => over !== undefined) });
  await fixture.evaluate(WHOLE, 3);
  expect(fixture.asked).toEqual(['mem_usage *', 'swap_usage *', 'up *']);
});

it('asks for no cluster that a rule leaves out', async () => {
  const some = rule('some', { whereNot: { cluster: ['c[0-3]', 'c1', 'c2'] } });
  const all = rule('all', { metric: 'cpu_usage', whereNot: { cluster: ['c*'] } });
  const fixture = createShardFixture({ samples: [], rules: [some, all] });
  for (const shard of shardsOf(3)) await fixture.evaluate(shard, 3);
  const asked = fixture.asked.filter((line) => !line.startsWith('up '));
  const clusters = asked.flatMap((line) => line.split(' ').slice(1));
  expect(clusters.sort()).toEqual(CLUSTERS.filter((name) => name !== 'c1' && name !== 'c2'));
  expect(asked.every((line) => line.startsWith('mem_usage '))).toBe(true);
});

it('asks for `up` no further back than it evaluates, however long a window is', async () => {
  const window = { lastMs: 600 * MINUTE, reduce: 'forecast', aheadMs: MINUTE } as const;
  const fixture = createShardFixture({ samples: [], rules: [rule('ahead', { window })] });
  await fixture.evaluate(WHOLE, 1_000);
  const [samples = 0, ups = 0] = fixture.askedFromMs;
  expect(fixture.asked).toEqual(['mem_usage *', 'up *']);
  expect(ups - samples).toBe(window.lastMs);
});
