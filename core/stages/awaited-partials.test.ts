// While the fleet waits for its shards, no alert of a rule across clusters changes: that must not go unsaid.
import { expect, it } from 'vitest';
import { createShardFixture, LATENESS_ROUNDS, ruleOf, type ShardFixture } from '../../test/shard-fixture.ts';
import { type Shard, shardsOf } from '../plan/shards.ts';

const rule = ruleOf('all', { aggregate: { by: [], op: 'max' } });
const edited = { ...rule, forMs: 0 };
const nodes = ruleOf('nodes', {});
const [a, b, c, fleet] = shardsOf(3) as [Shard, Shard, Shard, Shard];

const awaited = ({ counted, logger }: ShardFixture) => ({
  counted: counted.get('partials_awaited_total'),
  lines: logger.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields),
});

it('waits for one of three, and logs it each round', async () => {
  const fixture = createShardFixture({ samples: [], rules: [rule, nodes] });
  for (const round of [0, 1]) for (const shard of [a, b, fleet]) await fixture.evaluate(shard, round);
  const line = { rule: 'all', missing: 1, shards: 3 };
  expect(awaited(fixture)).toEqual({ counted: 2, lines: [line, line] });
});

it('waits for none that was evaluated within the lateness, nor for one that was missing for longer', async () => {
  const fixture = createShardFixture({ samples: [], rules: [rule, nodes] });
  for (const shard of [a, b, c, fleet]) await fixture.evaluate(shard, 0);
  for (let round = 1; round <= LATENESS_ROUNDS + 2; round++) {
    for (const shard of [a, b, fleet]) await fixture.evaluate(shard, round);
  }
  expect(awaited(fixture).counted).toBeUndefined();
  expect(fixture.counted.get('partials_missing_total')).toBe(2);
});

it.each([
  ['none was evaluated', [] as Shard[]],
  ['none was evaluated lately', [a, b, c]],
])('waits for all where %s', async (_, before) => {
  const fixture = createShardFixture({ samples: [], rules: [rule] });
  for (const shard of before) await fixture.evaluate(shard, 0);
  await fixture.evaluate(fleet, LATENESS_ROUNDS + 1);
  expect(awaited(fixture)).toEqual({ counted: 3, lines: [{ rule: 'all', missing: 3, shards: 3 }] });
});

it('waits for all where none knows an edit', async () => {
  const fixture = createShardFixture({ samples: [], rules: [rule] });
  for (const shard of [a, b, c]) await fixture.evaluate(shard, 0);
  await fixture.evaluate(fleet, 0, { rules: [edited] });
  expect(awaited(fixture)).toEqual({ counted: 3, lines: [{ rule: 'all', missing: 3, shards: 3 }] });
});
