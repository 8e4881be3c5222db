// While the fleet waits for its shards, no alert of a rule across clusters changes: that must not go unsaid.
import { expect, it } from 'vitest';
import { createShardWorld, LATENESS_ROUNDS, ruleOf, type ShardWorld } from '../../test/shard-world.ts';
import { type Shard, shardsOf } from '../plan/shards.ts';

const rule = ruleOf('all', { aggregate: { by: [], op: 'max' } });
const edited = { ...rule, forMs: 0 };
const nodes = ruleOf('nodes', {});
const [a, b, c, fleet] = shardsOf(3) as [Shard, Shard, Shard, Shard];

const awaited = ({ counted, logger }: ShardWorld) => ({
  counted: counted.get('partials_awaited_total'),
  lines: logger.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields),
});

it('waits for one of three, and says so each round', async () => {
  const world = createShardWorld({ samples: [], rules: [rule, nodes] });
  for (const round of [0, 1]) for (const shard of [a, b, fleet]) await world.judge(shard, round);
  const line = { rule: 'all', missing: 1, shards: 3 };
  expect(awaited(world)).toEqual({ counted: 2, lines: [line, line] });
});

it('waits for none that was judged within the lateness, nor for one that was missing for longer', async () => {
  const world = createShardWorld({ samples: [], rules: [rule, nodes] });
  for (const shard of [a, b, c, fleet]) await world.judge(shard, 0);
  for (let round = 1; round <= LATENESS_ROUNDS + 2; round++) {
    for (const shard of [a, b, fleet]) await world.judge(shard, round);
  }
  expect(awaited(world).counted).toBeUndefined();
  expect(world.counted.get('partials_missing_total')).toBe(2);
});

it.each([
  ['none was judged', [] as Shard[]],
  ['none was judged lately', [a, b, c]],
])('waits for all where %s', async (_, before) => {
  const world = createShardWorld({ samples: [], rules: [rule] });
  for (const shard of before) await world.judge(shard, 0);
  await world.judge(fleet, LATENESS_ROUNDS + 1);
  expect(awaited(world)).toEqual({ counted: 3, lines: [{ rule: 'all', missing: 3, shards: 3 }] });
});

it('waits for all where none knows an edit', async () => {
  const world = createShardWorld({ samples: [], rules: [rule] });
  for (const shard of [a, b, c]) await world.judge(shard, 0);
  await world.judge(fleet, 0, { rules: [edited] });
  expect(awaited(world)).toEqual({ counted: 3, lines: [{ rule: 'all', missing: 3, shards: 3 }] });
});
