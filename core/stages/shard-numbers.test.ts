// A change of the number of shards, and back, and shards that nobody evaluated for hours.

import { describe, expect, it } from 'vitest';
import { createShardFixture, LATENESS_ROUNDS, MINUTE, ruleOf, targets } from '../../test/shard-fixture.ts';
import type { Sample } from '../model/sample.ts';
import { shardsOf } from '../plan/shards.ts';

const WEEK = 7 * 24 * 60;
const rules = [
  ruleOf('node', {}),
  ruleOf('cluster', { aggregate: { by: ['cluster'], op: 'max' } }),
  ruleOf('all', { aggregate: { by: [], op: 'max' } }),
];
/** Twice the hold of three intervals, and the lateness twice where a part may be merged later. */
const FIRST_ROUND = 2 * 3 + 2 * LATENESS_ROUNDS;

/** A range of rounds, evaluated by so many shards, or by nobody; all nodes have the value. */
type Stretch = [from: number, to: number, value: number, count: number | undefined];

/** Transitions of each stretch, by rule, kind and round. */
async function play(stretches: readonly Stretch[]) {
  const samples = stretches.flatMap(([from, to, value]) =>
    Array.from({ length: to - from }, (_, i) => (from + i) * MINUTE).flatMap((timeMs) =>
      targets.flatMap(({ cluster, node, role }): Sample[] => [
        { metric: 'up', labels: { cluster, node, role }, timeMs, value: 1 },
        { metric: 'mem_usage', labels: { cluster, node, role }, timeMs, value },
      ]),
    ),
  );
  const fixture = createShardFixture({ samples, rules });
  const sentTexts: string[][] = [];
  for (const [from, to, , count] of stretches) {
    const some: string[] = [];
    fixture.askedFromMs.length = 0;
    for (let round = from; count !== undefined && round < to; round++) {
      for (const shard of shardsOf(count)) some.push(...(await fixture.evaluate(shard, round)));
    }
    sentTexts.push(
      some.map((text) => {
        const [id = '', kind, atMs] = text.split(' ');
        return `${id.split('-')[0]} ${kind} ${Number(atMs) / MINUTE}`;
      }),
    );
  }
  return { fixture, sentTexts };
}
const kindsOf = (sentTexts: readonly string[] | undefined) => [
  ...new Set(sentTexts?.map((text) => text.split(' ')[1])),
];

describe('a number of shards that returns', () => {
  it.each([
    ['a week later', WEEK],
    ['an hour later', 60],
    ['within the lateness', 42],
  ])('%s evaluates as for the first time', async (_, back) => {
    const { fixture, sentTexts } = await play([
      [0, 20, 95, 4],
      [20, 25, 95, 8],
      [25, 30, 50, 8],
      [30, 40, 95, 8],
      [back - 1, back, 95, 8],
      [back, back + 20, 95, 4],
    ]);
    expect(sentTexts.map(kindsOf)).toEqual([
      ['pending', 'firing'],
      [],
      ['resolved'],
      ['pending', 'firing'],
      [],
      [],
    ]);
    const firstMs = (back - FIRST_ROUND) * MINUTE;
    expect(Math.min(...fixture.askedFromMs)).toBeGreaterThanOrEqual(firstMs);
    expect(await fixture.openAlerts()).toHaveLength(targets.length + 9 + 1);
  });

  it.each([
    [8, 4],
    [1, 4],
    [4, 1],
  ])('keeps no checkpoints of former ones: %i, then %i', async (before, after) => {
    const { fixture } = await play([
      [0, 5, 95, before],
      [5, 10, 95, after],
    ]);
    const parts = ['0/4', '1/4', '2/4', '3/4'];
    expect(await fixture.state.listCheckpoints('node')).toEqual(after === 1 ? ['local'] : parts);
    expect(await fixture.state.listCheckpoints('all')).toEqual(after === 1 ? ['local'] : [...parts, 'fleet']);
  });
});

it('a late message of a former number of shards changes nothing', async () => {
  const firing = rules.map((rule) => ({ ...rule, forMs: 0 }));
  const { fixture } = await play([
    [0, 12, 50, 4],
    [12, 15, 95, undefined],
  ]);
  const evaluateAll = async (count: number, round: number) => {
    const sentTexts: string[] = [];
    for (const shard of shardsOf(count))
      sentTexts.push(...(await fixture.evaluate(shard, round, { rules: firing })));
    return sentTexts;
  };
  for (const round of [12, 13, 14]) await evaluateAll(8, round);
  const left = await fixture.openAlerts();
  expect(left).toHaveLength(targets.length + 9 + 1);
  for (const round of [11, 12, 13]) expect(await evaluateAll(4, round)).toEqual([]);
  expect(await fixture.openAlerts()).toEqual(left);
  expect(await fixture.state.listCheckpoints('node')).toHaveLength(8);
  expect(await evaluateAll(8, 14)).toEqual([]);
});

describe('a rule that is removed', () => {
  it.each([
    [4, 8],
    [4, 4],
    [1, 4],
    [4, 1],
  ])('leaves nothing, evaluated by %i shards and ended by %i', async (before, after) => {
    const { fixture } = await play([[0, 5, 95, before]]);
    const ended: string[] = [];
    for (const shard of shardsOf(after)) ended.push(...(await fixture.evaluate(shard, 5, { rules: [] })));
    expect(ended).toHaveLength(targets.length + 9 + 1);
    expect(ended.every((text) => text.includes(' resolved '))).toBe(true);
    expect(await fixture.openAlerts()).toEqual([]);
    expect(await fixture.state.listRules()).toEqual([]);
    for (const { name } of rules) expect(await fixture.state.listCheckpoints(name)).toEqual([]);
  });
});

describe('shards that nobody evaluated', () => {
  const outage = (minutes: number, count: number): Stretch[] => [
    [0, 20, 95, count],
    [20, 60, 50, undefined],
    [60, 20 + minutes, 95, undefined],
    [20 + minutes, 40 + minutes, 95, count],
  ];

  it('find after three hours what they would have found in time', async () => {
    const parts = await play(outage(3 * 60 - 1, 4));
    const whole = await play(outage(3 * 60 - 1, 1));
    expect(parts.sentTexts.map((some) => some.sort())).toEqual(whole.sentTexts.map((some) => some.sort()));
    expect(kindsOf(parts.sentTexts[3]).sort()).toEqual(['firing', 'pending', 'resolved']);
    expect(parts.fixture.counted.get('checkpoints_behind_total')).toBeUndefined();
  });

  it('begin anew after more, and what fires goes on', async () => {
    const { fixture, sentTexts } = await play(outage(5 * 60, 4));
    expect(sentTexts[3]).toEqual([]);
    expect(await fixture.openAlerts()).toHaveLength(targets.length + 9 + 1);
    expect(Math.min(...fixture.askedFromMs)).toBeGreaterThanOrEqual((20 + 5 * 60 - FIRST_ROUND) * MINUTE);
    expect(fixture.counted.get('checkpoints_behind_total')).toBe(13);
  });

  it('find everything as a whole, however long it was', async () => {
    const { fixture, sentTexts } = await play(outage(5 * 60, 1));
    expect(kindsOf(sentTexts[3])).toEqual(['resolved', 'pending', 'firing']);
    expect(fixture.counted.get('checkpoints_behind_total')).toBeUndefined();
  });
});
