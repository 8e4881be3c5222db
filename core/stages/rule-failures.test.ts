import { describe, expect, it } from 'vitest';
import { createShardWorld, MINUTE, ruleOf, targets } from '../../test/shard-world.ts';
import { createWorld, memory, nodeDown, START } from '../../test/stage-world.ts';
import { ConfigError, PermanentError, RetryableError } from '../errors.ts';
import { type Shard, shardName, shardsOf, WHOLE } from '../plan/shards.ts';
import { evaluate } from './evaluate.ts';

const nodes = [
  {
    cluster: 'prod',
    node: 'n1',
    role: 'etcd' as const,
    host: 'h',
    port: 22,
    user: 'u',
    bastion: 'b',
    hostKeys: [],
  },
];

/** Rules of as many names, each of its own metric; some of them cannot be asked for. */
function createTrial(names: readonly string[], failing: Readonly<Record<string, Error>>) {
  const rules = names.map((name) => ({ ...memory, name, metric: name, forMs: 0, inhibitedBy: [] }));
  const world = createWorld({ rules });
  const asked: string[] = [];
  const failed: string[] = [];
  let whenAsked: (metric: string) => void = () => {};
  const onAsked = (then: typeof whenAsked) => {
    whenAsked = then;
  };
  for (const name of names) world.put(0, { n1: 95 }, name);
  const store = {
    ...world.ports.store,
    async query(query: Parameters<typeof world.ports.store.query>[0]) {
      asked.push(query.metric);
      whenAsked(query.metric);
      const error = failing[query.metric];
      if (error) throw error;
      return world.ports.store.query(query);
    },
  };
  const judge = () =>
    evaluate(
      { config: world.config, targets: nodes, roundMs: START, shard: WHOLE },
      { ...world.ports, store, onRuleFailed: (name) => failed.push(name) },
    );
  return { ...world, judge, asked, failed, onAsked };
}

describe('a rule that throws', () => {
  it('does not stop the others, is counted, logged and named, and keeps its checkpoint', async () => {
    const world = createTrial(['a', 'b', 'c'], { b: new RangeError('Maximum call stack size exceeded') });
    const before = { version: 1 } as never;
    await world.state.saveCheckpoint('b', shardName(WHOLE), before, 0);
    const transitions = await world.judge();
    expect(transitions.map(({ rule, kind }) => `${rule} ${kind}`)).toEqual(['a firing', 'c firing']);
    expect([world.failed, world.counted.get('rule_failures_total')]).toEqual([['b'], 1]);
    expect(world.logger.lines).toContainEqual({
      level: 'error',
      message: 'a rule could not be judged; the others are',
      fields: { rule: 'b', error: 'Maximum call stack size exceeded' },
    });
    expect((await world.state.loadCheckpoint('b', shardName(WHOLE)))?.value).toEqual(before);
  });

  it.each([
    ['a store that may answer later', new RetryableError('no answer')],
    ['a store that refuses its question', new PermanentError('too many samples')],
    ['what only an operator can mend', new ConfigError('access denied')],
  ])('is no failure of the round: %s', async (_, error) => {
    const world = createTrial(['a', 'b'], { a: error });
    expect((await world.judge()).map(({ rule }) => rule)).toEqual(['b']);
    expect(world.failed).toEqual(['a']);
  });

  it('fails the round where none could be judged', async () => {
    const error = new ConfigError('access denied');
    const world = createTrial(['a', 'b'], { a: error, b: error });
    await expect(world.judge()).rejects.toThrow('access denied');
    expect(world.failed).toEqual(['a', 'b']);
  });

  it('is tried once more after the others, where that may help', async () => {
    const failing: Record<string, Error> = { a: new RetryableError('throttled') };
    const world = createTrial(['a', 'b'], failing);
    world.onAsked((metric) => {
      if (metric === 'b') delete failing.a;
    });
    expect((await world.judge()).map(({ rule }) => rule)).toEqual(['b', 'a']);
    expect([world.failed, world.counted.get('rule_failures_total')]).toEqual([[], undefined]);
  });

  it('of a store that is out only a few rules ask in vain', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const world = createTrial(names, Object.fromEntries(names.map((n) => [n, new RetryableError('out')])));
    await expect(world.judge()).rejects.toThrow('out');
    expect(world.asked.filter((name) => name !== 'up')).toEqual(['a', 'b', 'c']);
    expect(new Set(world.failed)).toEqual(new Set(names));
  });

  it('does not stop the others of a shard', async () => {
    const rules = [ruleOf('broken', { where: { cluster: null as never } }), ruleOf('sound', {})];
    const samples = targets.map(({ cluster, node, role }) => ({
      metric: 'mem_usage',
      labels: { cluster, node, role },
      timeMs: MINUTE,
      value: 95,
    }));
    const world = createShardWorld({ samples, rules });
    const found: string[] = [];
    for (const shard of shardsOf(2) as Shard[]) found.push(...(await world.judge(shard, 1)));
    expect(found.length).toBeGreaterThan(0);
    expect(world.counted.get('rule_failures_total')).toBeGreaterThan(0);
  });
});

it('judges a window of more samples than a call has room for', async () => {
  const second = 1_000;
  const samples = 130_000;
  const window = { lastMs: samples * second, reduce: 'max' as const };
  const world = createWorld({ rules: [{ ...memory, forMs: 0, window }, nodeDown] });
  const labels = { cluster: 'prod', node: 'n1', role: 'etcd' };
  const points = Array.from({ length: samples }, (_, i) => ({
    timeMs: START - (samples - 1 - i) * second,
    value: i === 5 ? 99 : 50,
  }));
  const store = {
    ...world.ports.store,
    query: async ({ metric }: { metric: string }) =>
      metric === 'mem_usage' ? [{ metric, labels, points }] : [],
  };
  const checks = world.config.checks.map((check) => ({ ...check, everyMs: second }));
  const config = { ...world.config, checks, schedule: { ...world.config.schedule, latenessMs: second } };
  const request = { config, targets: nodes, roundMs: START, shard: WHOLE };
  const transitions = await evaluate(request, { ...world.ports, store });
  expect(transitions.map(({ rule, value }) => [rule, value])).toEqual([['memory', 99]]);
});
