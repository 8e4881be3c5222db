// A round is evaluated while batches are out, and again: a rule that begins in it begins as in one go, in shards and as a whole.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  CLUSTERS,
  createShardFixture,
  type LateSample,
  MINUTE,
  ruleOf as rule,
  targets,
} from '../../test/shard-fixture.ts';
import type { Labels } from '../model/labels.ts';
import { shardsOf, WHOLE } from '../plan/shards.ts';

const ROUNDS = 12;
const EDIT = 6;
const rules = [
  rule('plain', { forMs: 0 }),
  rule('holding', {}),
  rule('alerting', { noData: 'alerting' }),
  rule('fleet', { aggregate: { by: [], op: 'avg' }, condition: { kind: 'above', threshold: 50 } }),
  rule('down', { metric: 'up', condition: { kind: 'below', threshold: 1 } }),
];
const edited = rules.map((one) => ({ ...one, forMs: MINUTE, keepFiringForMs: MINUTE }));

const values = fc.array(fc.constantFrom(40, 95, 95, undefined), { minLength: ROUNDS, maxLength: ROUNDS });
const scenarios = fc.record({
  byTarget: fc.array(values, { minLength: targets.length, maxLength: targets.length }),
  slow: fc.subarray(CLUSTERS),
  count: fc.integer({ min: 1, max: 4 }),
});
type Scenario = Parameters<Parameters<typeof scenarios.map>[0]>[0];

function samplesOf({ byTarget, slow }: Scenario, inGoes: boolean): LateSample[] {
  return targets.flatMap(({ cluster, node, role }, t) => {
    const labels: Labels = { cluster, node, role };
    return (byTarget[t] ?? []).flatMap((value, round): LateSample[] => {
      const late = inGoes && slow.includes(cluster) ? { fromRound: round + 0.5 } : {};
      const common = { labels, timeMs: round * MINUTE, ...late };
      const up = { metric: 'up', value: value === undefined ? 0 : 1, ...common };
      return value === undefined ? [up] : [up, { metric: 'mem_usage', value, ...common }];
    });
  });
}

async function outcomeOf(fixture: Scenario, goes: readonly (boolean | undefined)[], rounds: number) {
  const shards = fixture.count === 1 ? [WHOLE] : shardsOf(fixture.count);
  const fleet = createShardFixture({ samples: samplesOf(fixture, goes.length > 1), rules });
  const transitions: string[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const batchesOutstanding of goes) {
      const change = {
        rules: round < EDIT ? rules : edited,
        ...(batchesOutstanding !== undefined && { batchesOutstanding }),
      };
      for (const shard of shards) transitions.push(...(await fleet.evaluate(shard, round, change)));
    }
  }
  return { transitions: transitions.sort(), left: await fleet.openAlerts() };
}

it('emits the same for new rules in two goes as in one, in shards and as a whole (property)', async () => {
  await fc.assert(
    fc.asyncProperty(scenarios, async (fixture) => {
      const once = await outcomeOf(fixture, [undefined], EDIT);
      const again = await outcomeOf(fixture, [true, false], EDIT);
      expect(again).toEqual(once);
      expect(once.transitions.filter((line) => line.includes('revised'))).toEqual([]);
    }),
    { numRuns: 8 },
  );
});

it('goes on from an edit in two goes as in one (property)', async () => {
  await fc.assert(
    fc.asyncProperty(scenarios, async (fixture) => {
      const once = await outcomeOf(fixture, [undefined], ROUNDS);
      const again = await outcomeOf(fixture, [true, false], ROUNDS);
      expect(again.left).toEqual(once.left);
    }),
    { numRuns: 8 },
  );
});
