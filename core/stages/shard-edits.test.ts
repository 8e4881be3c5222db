// One deployment may change a rule and the number of shards: what was emitted before must end, and only once.

import { describe, expect, it } from 'vitest';
import { createShardFixture, MINUTE, ruleOf, type ShardFixture, targets } from '../../test/shard-fixture.ts';
import type { Rule } from '../model/rule.ts';
import type { Sample } from '../model/sample.ts';
import { shardsOf } from '../plan/shards.ts';

const EDIT = 10;
const ROUNDS = 40;

/** Every node breaches in every round, and one batch of a bastion is lost. */
const samples = Array.from({ length: ROUNDS }, (_, round) => round * MINUTE).flatMap((timeMs): Sample[] => [
  ...targets.flatMap(({ cluster, node, role }): Sample[] => [
    { metric: 'up', labels: { cluster, node, role }, timeMs, value: 1 },
    { metric: 'disk_usage', labels: { cluster, node, role, mount: '/' }, timeMs, value: 95 },
  ]),
  { metric: 'bastion_up', labels: { bastion: 'b', batch: '0' }, timeMs, value: 0 },
]);

const disk = ruleOf('r', { forMs: 0, metric: 'disk_usage' });
const by = (...labels: string[]): Rule => ({ ...disk, aggregate: { by: labels, op: 'max' } });
const shapes = {
  series: disk,
  mount: by('cluster', 'node', 'mount'),
  node: by('cluster', 'node'),
  cluster: by('cluster'),
  role: by('role'),
  all: by(),
  bastion: ruleOf('r', { forMs: 0, metric: 'bastion_up', condition: { kind: 'below', threshold: 1 } }),
} satisfies Record<string, Rule>;
const shapeNames = Object.keys(shapes) as (keyof typeof shapes)[];

async function evaluateRounds(
  fixture: ShardFixture,
  rules: readonly Rule[],
  count: number,
  from: number,
  to: number,
) {
  const sentTexts: string[] = [];
  for (let round = from; round < to; round++) {
    for (const shard of shardsOf(count)) sentTexts.push(...(await fixture.evaluate(shard, round, { rules })));
  }
  return sentTexts.map((text) => text.split(' '));
}
const idsLeft = async (fixture: ShardFixture) =>
  (await fixture.openAlerts()).map((text) => text.split(' ')[0]);

describe.each([
  [2, 3],
  [3, 2],
  [1, 2],
  [2, 1],
  [2, 2],
])('a rule edited while %i shards become %i', (before, after) => {
  const edits = shapeNames.flatMap((from) =>
    shapeNames.filter((to) => to !== from).map((to) => [from, to] as const),
  );

  it.each(edits)('from alerts by %s to alerts by %s ends those it had', async (from, to) => {
    const fresh = createShardFixture({ samples, rules: [] });
    await evaluateRounds(fresh, [shapes[to]], after, 0, 1);
    const fixture = createShardFixture({ samples, rules: [] });
    await evaluateRounds(fixture, [shapes[from]], before, 0, EDIT);
    const had = await idsLeft(fixture);
    const sentTexts = await evaluateRounds(fixture, [shapes[to]], after, EDIT, ROUNDS);
    const ended = sentTexts.filter(([, kind]) => kind === 'resolved');
    expect(ended.map(([id]) => id?.replace(/-resolved.*/, '')).sort()).toEqual(had);
    expect(ended.every(([, , , reason]) => reason === 'rule-changed')).toBe(true);
    expect(await idsLeft(fixture)).toEqual(await idsLeft(fresh));
    expect(sentTexts).toHaveLength(had.length + (await fixture.openAlerts()).length);
  });
});
