import { expect, it } from 'vitest';
import { createShardFixture, type LateSample, MINUTE, ruleOf, targets } from '../../test/shard-fixture.ts';
import { WHOLE } from '../plan/shards.ts';

const lowest = ruleOf('lowest', { forMs: 0, aggregate: { by: [], op: 'min' } });
const nodes = ruleOf('nodes', { forMs: 0 });

/** The first clusters answer above the threshold; the others, whose batch comes half a round later, do not. */
const samples = targets.flatMap(({ cluster, node, role }, t): LateSample[] => {
  const isLate = t >= targets.length / 2;
  const common = { labels: { cluster, node, role }, timeMs: MINUTE, ...(isLate && { fromRound: 1.5 }) };
  return [
    { metric: 'up', value: 1, ...common },
    { metric: 'mem_usage', value: isLate ? 50 : 95, ...common },
  ];
});

const namesOf = (lines: readonly string[]) => new Set(lines.map((line) => line.split('-')[0]));

it('evaluates an aggregate only when all batches of the round are in', async () => {
  const fixture = createShardFixture({ samples, rules: [lowest, nodes] });
  const early = await fixture.evaluate(WHOLE, 1, { batchesOutstanding: true });
  expect(namesOf(early)).toEqual(new Set(['nodes']));
  expect(await fixture.evaluate(WHOLE, 1, { batchesOutstanding: false })).toEqual([]);
  // On half a fleet it would have fired: half of the targets are enough for a value.
  const whole = createShardFixture({
    samples: samples.filter(({ fromRound }) => !fromRound),
    rules: [lowest],
  });
  expect(namesOf(await whole.evaluate(WHOLE, 1))).toEqual(new Set(['lowest']));
});
