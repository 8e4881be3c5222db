// Rules across clusters, evaluated from partial aggregates: late shards, late samples, edits, changed numbers of shards.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createShardFixture,
  LATENESS_ROUNDS,
  type LateSample,
  MINUTE,
  ruleOf,
  type ShardFixture,
  targets,
} from '../../test/shard-fixture.ts';
import type { Rule } from '../model/rule.ts';
import { type Shard, shardsOf, WHOLE } from '../plan/shards.ts';

const ROUNDS = 16;
const above = (threshold: number) => ({ kind: 'above', threshold }) as const;
const below = (threshold: number) => ({ kind: 'below', threshold }) as const;
const rules = [
  ruleOf('avg', { aggregate: { by: [], op: 'avg' }, condition: above(50) }),
  ruleOf('sum', { aggregate: { by: ['role'], op: 'sum' }, condition: above(500), noData: 'alerting' }),
  ruleOf('max', { aggregate: { by: ['role'], op: 'max' }, condition: above(95) }),
  ruleOf('min', { aggregate: { by: [], op: 'min' }, condition: below(5), keepFiringForMs: MINUTE }),
  ruleOf('count', { aggregate: { by: ['role'], op: 'count' }, condition: below(12), noData: 'ok' }),
  ruleOf('node', { aggregate: { by: ['node'], op: 'max' }, where: { cluster: ['c[1-9]', 'c2', '*5'] } }),
  ruleOf('window', {
    aggregate: { by: [], op: 'avg' },
    window: { lastMs: 4 * MINUTE, reduce: 'avg' },
    condition: above(50),
  }),
  ruleOf('rate', {
    aggregate: { by: ['role'], op: 'sum' },
    window: { lastMs: 3 * MINUTE, reduce: 'rate' },
    condition: above(0),
  }),
];

/** Levels that swing around what the rules compare with, and doubles that no sum of them can hold. */
const value = fc
  .tuple(fc.constantFrom(20, 50, 70), fc.double({ min: -10, max: 30, noNaN: true }))
  .map(([level, noise]) => level + noise);
const course = fc.array(fc.option(value, { nil: undefined, freq: 4 }), {
  minLength: ROUNDS,
  maxLength: ROUNDS,
});
const courses = fc.array(course, { minLength: targets.length, maxLength: targets.length });

/** `delay` in rounds, of each node and round; a sample that is never late has none. */
function samplesOf(
  byTarget: readonly (readonly (number | undefined)[])[],
  delay: (target: number, round: number) => number = () => 0,
): LateSample[] {
  return targets.flatMap(({ cluster, node, role }, t) =>
    (byTarget[t] ?? []).flatMap((value, round) =>
      value === undefined
        ? []
        : [
            {
              metric: 'mem_usage',
              labels: { cluster, node, role },
              timeMs: round * MINUTE,
              value,
              fromRound: round + delay(t, round),
            },
          ],
    ),
  );
}

/** The rules are known before the first sample. Then each round evaluates the shards of `shardsAt`, in that order. */
async function emitAll(
  fixture: ShardFixture,
  all: readonly Shard[],
  shardsAt: (round: number) => readonly Shard[],
) {
  for (const shard of all) await fixture.evaluate(shard, -1);
  const sentTexts: { round: number; text: string }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const shard of shardsAt(round)) {
      for (const text of await fixture.evaluate(shard, round)) sentTexts.push({ round, text });
    }
  }
  return sentTexts;
}
const textsOf = (sentTexts: readonly { text: string }[]) => sentTexts.map(({ text }) => text).sort();
const fleetOf = (count: number) => shardsOf(count).slice(-1);
const clustersOf = (count: number) => shardsOf(count).slice(0, -1);

describe('a fleet in parts comes to what it comes to as a whole', () => {
  let transitions = 0;

  it('whatever the order of its shards, while samples come late (property)', async () => {
    const delays = fc.array(fc.nat({ max: LATENESS_ROUNDS }), { minLength: 64, maxLength: 64 });
    await fc.assert(
      fc.asyncProperty(
        courses,
        delays,
        fc.integer({ min: 2, max: 5 }),
        fc.nat(),
        async (byTarget, late, count, turn) => {
          const samples = samplesOf(byTarget, (t, round) => late[(t * 7 + round) % 64] ?? 0);
          const whole = createShardFixture({ samples, rules });
          const parts = createShardFixture({ samples, rules });
          const expected = await emitAll(whole, [WHOLE], () => [WHOLE]);
          const found = await emitAll(parts, shardsOf(count), (round) => {
            const first = (turn + round) % count;
            const some = clustersOf(count);
            return [...some.slice(first), ...some.slice(0, first), ...fleetOf(count)];
          });
          transitions += expected.length;
          expect(found.map(({ round, text }) => `${round} ${text}`).sort()).toEqual(
            expected.map(({ round, text }) => `${round} ${text}`).sort(),
          );
          expect(await parts.openAlerts()).toEqual(await whole.openAlerts());
        },
      ),
      { numRuns: 40 },
    );
    expect(transitions).toBeGreaterThan(1_000);
  });

  it('a round later, where the fleet is evaluated before its shards (property)', async () => {
    await fc.assert(
      fc.asyncProperty(courses, fc.integer({ min: 2, max: 5 }), async (byTarget, count) => {
        const samples = samplesOf(byTarget);
        const whole = createShardFixture({ samples, rules });
        const parts = createShardFixture({ samples, rules });
        const expected = await emitAll(whole, [WHOLE], (round) => (round < ROUNDS - 1 ? [WHOLE] : []));
        const found = await emitAll(parts, shardsOf(count), () => [...fleetOf(count), ...clustersOf(count)]);
        expect(found.map(({ round, text }) => `${round - 1} ${text}`).sort()).toEqual(
          expected.map(({ round, text }) => `${round} ${text}`).sort(),
        );
      }),
      { numRuns: 20 },
    );
  });

  it('once shards that were late have caught up (property)', async () => {
    const skips = fc.array(fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }), {
      minLength: ROUNDS,
      maxLength: ROUNDS,
    });
    await fc.assert(
      fc.asyncProperty(courses, fc.integer({ min: 2, max: 5 }), skips, async (byTarget, count, skipped) => {
        const samples = samplesOf(byTarget);
        const whole = createShardFixture({ samples, rules });
        const parts = createShardFixture({ samples, rules });
        const expected = await emitAll(whole, [WHOLE], () => [WHOLE]);
        const behind = Array<number>(count).fill(0);
        const found = await emitAll(parts, shardsOf(count), (round) => {
          const some = clustersOf(count).filter((_, i) => {
            const mayWait = round < ROUNDS - 1 && (behind[i] ?? 0) < LATENESS_ROUNDS;
            behind[i] = mayWait && skipped[round]?.[i] ? (behind[i] ?? 0) + 1 : 0;
            return behind[i] === 0;
          });
          return [...some, ...fleetOf(count)];
        });
        expect(textsOf(found)).toEqual(textsOf(expected));
        // A newer value alone is not written.
        const leftOf = async (fixture: ShardFixture) =>
          (await fixture.openAlerts()).map((text) => text.replace(/ \S+$/, ''));
        expect(await leftOf(parts)).toEqual(await leftOf(whole));
      }),
      { numRuns: 40 },
    );
  });
});

/** Every node has the value in all rounds. */
const steady = (value: number, rounds: number) =>
  samplesOf(targets.map(() => Array<number>(rounds).fill(value)));
const evaluatedTo = async (fixture: ShardFixture, rule: string) => {
  const stored = await fixture.state.loadCheckpoint(rule, 'fleet');
  return stored && stored.value.evaluatedToMs / MINUTE;
};

describe('a shard that is not evaluated', () => {
  const rule = ruleOf('all', {
    where: { role: ['etcd'] },
    aggregate: { by: ['role'], op: 'count' },
    condition: below(15),
    forMs: 0,
  });

  it('is waited for as long as the lateness, then done without, and counted', async () => {
    const fixture = createShardFixture({ samples: steady(1, 10), rules: [rule] });
    const [, ...others] = shardsOf(3);
    const evaluated: (number | undefined)[] = [];
    const sentTexts: string[] = [];
    for (let round = 0; round < 10; round++) {
      const here = round < 4 || round === 9 ? shardsOf(3) : others;
      for (const shard of here) sentTexts.push(...(await fixture.evaluate(shard, round)));
      evaluated.push(await evaluatedTo(fixture, 'all'));
    }
    expect(evaluated).toEqual([0, 1, 2, 3, 3, 3, 3, 7, 8, 9]);
    expect(fixture.counted.get('partials_missing_total')).toBe(2);
    // Minutes 4 and 5 are settled when it comes back: they stay as they were evaluated without it.
    expect(sentTexts.map((text) => text.split(' ').slice(1))).toEqual([
      ['firing', `${4 * MINUTE}`, 'threshold', '11'],
      ['resolved', `${6 * MINUTE}`, 'threshold', '15'],
    ]);
  });

  it('is waited for after an outage of all, whichever comes back first', async () => {
    const fixture = createShardFixture({ samples: steady(1, 40), rules: [rule] });
    const [a, b, c, fleet] = shardsOf(3) as [Shard, Shard, Shard, Shard];
    const sentTexts: string[] = [];
    for (const [round, shards] of [
      [0, [a, b, c, fleet]],
      [30, [c, fleet]],
      [31, [fleet, b, c, fleet]],
      [32, [a, b, fleet]],
      [33, [c, a, b, fleet]],
    ] as const) {
      for (const shard of shards) sentTexts.push(...(await fixture.evaluate(shard, round)));
    }
    expect(sentTexts).toEqual([]);
    expect(await evaluatedTo(fixture, 'all')).toBe(33);
    expect(fixture.counted.get('partials_missing_total')).toBe(0);
  });

  it('holds up nobody by a checkpoint of a clock that was ahead', async () => {
    const fixture = createShardFixture({ samples: steady(1, 40), rules: [rule] });
    for (const shard of shardsOf(3)) await fixture.evaluate(shard, 30);
    const [a, b, c, fleet] = shardsOf(3) as [Shard, Shard, Shard, Shard];
    for (const shard of [fleet, a, fleet]) await fixture.evaluate(shard, 10);
    expect(await evaluatedTo(fixture, 'all')).toBe(30);
    for (const shard of [b, c, fleet]) await fixture.evaluate(shard, 10);
    expect(await evaluatedTo(fixture, 'all')).toBe(10);
  });
});

describe('a rule that changes', () => {
  const nodes = ruleOf('r', { forMs: 0 });
  const fleet = ruleOf('r', { forMs: 0, aggregate: { by: ['role'], op: 'max' } });
  const bastion = ruleOf('r', { forMs: 0, metric: 'bastion_up', condition: below(1) });
  const evaluateShards = async (fixture: ShardFixture, round: number, rules: readonly Rule[], count = 3) => {
    const sentTexts: string[] = [];
    for (const shard of shardsOf(count)) sentTexts.push(...(await fixture.evaluate(shard, round, { rules })));
    return sentTexts.map((text) => text.split(' ')[1]);
  };

  it.each([
    ['of nodes', 'of the fleet', nodes, fleet, 18, 2],
    ['of the fleet', 'of nodes', fleet, nodes, 2, 18],
    ['of the fleet', 'of bastions', fleet, bastion, 2, 0],
    ['of nodes', 'of bastions', nodes, bastion, 18, 0],
  ])('from one %s to one %s ends the alerts it had', async (_, __, before, after, had, has) => {
    const fixture = createShardFixture({ samples: steady(95, 10), rules: [] });
    expect(await evaluateShards(fixture, 4, [before])).toEqual(Array(had).fill('firing'));
    const sentTexts = await evaluateShards(fixture, 5, [after]);
    expect(sentTexts.filter((kind) => kind === 'resolved')).toHaveLength(had);
    expect(sentTexts.filter((kind) => kind === 'firing')).toHaveLength(has);
    expect(await fixture.openAlerts()).toHaveLength(has);
    expect(await evaluateShards(fixture, 6, [after])).toEqual([]);
  });

  it('is evaluated when all shards know its edit', async () => {
    const fixture = createShardFixture({ samples: steady(95, 10), rules: [fleet] });
    await evaluateShards(fixture, 4, [fleet]);
    const edited = { ...fleet, condition: above(97) };
    const [a, b, c, last] = shardsOf(3) as [Shard, Shard, Shard, Shard];
    for (const shard of [a, b, last])
      expect(await fixture.evaluate(shard, 5, { rules: [edited] })).toEqual([]);
    await fixture.evaluate(c, 5, { rules: [edited] });
    const sentTexts = await fixture.evaluate(last, 5, { rules: [edited] });
    expect(sentTexts.map((text) => text.split(' ')[1])).toEqual(['resolved', 'resolved']);
  });

  it('leaves nothing when it is removed, nor do parts of another number of shards', async () => {
    const fixture = createShardFixture({ samples: steady(95, 20), rules: [] });
    await evaluateShards(fixture, 4, [fleet], 5);
    expect(await fixture.state.loadCheckpoint('r', '4/5')).toBeDefined();
    expect(await evaluateShards(fixture, 5, [fleet])).toEqual([]);
    expect(await fixture.state.loadCheckpoint('r', '4/5')).toBeUndefined();
    expect(await evaluateShards(fixture, 6, [])).toEqual(['resolved', 'resolved']);
    expect(await fixture.state.listRules()).toEqual([]);
  });

  it('is not evaluated by a message that names no number of shards; rules of bastions are', async () => {
    const samples = [0, 1].map((round) => ({
      metric: 'bastion_up',
      labels: { bastion: 'b', batch: '0' },
      timeMs: round * MINUTE,
      value: 0,
    }));
    const path = { ...bastion, name: 'path' };
    const fixture = createShardFixture({ samples: [...steady(95, 2), ...samples], rules: [fleet, path] });
    for (const shard of clustersOf(3)) await fixture.evaluate(shard, 1);
    const sentTexts = await fixture.evaluate({ kind: 'crossCluster' } as Shard, 1);
    expect(sentTexts.map((text) => text.replace(/-.*/, ''))).toEqual(['path']);
    expect(await evaluatedTo(fixture, 'r')).toBeUndefined();
  });
});
