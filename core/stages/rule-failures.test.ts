import { describe, expect, it } from 'vitest';
import { createShardFixture, MINUTE, ruleOf, targets } from '../../test/shard-fixture.ts';
import { createStageFixture, memory, nodeDown, START } from '../../test/stage-fixture.ts';
import { ConfigError, PermanentError, RetryableError } from '../errors.ts';
import { type Shard, shardName, shardsOf, WHOLE } from '../plan/shards.ts';
import { evaluateShard } from './evaluate.ts';

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
  const fixture = createStageFixture({ rules });
  const asked: string[] = [];
  const failed: string[] = [];
  let whenAsked: (metric: string) => void = () => {};
  const onAsked = (then: typeof whenAsked) => {
    whenAsked = then;
  };
  for (const name of names) fixture.put(0, { n1: 95 }, name);
  const store = {
    ...fixture.ports.store,
    async query(query: Parameters<typeof fixture.ports.store.query>[0]) {
      asked.push(query.metric);
      whenAsked(query.metric);
      const error = failing[query.metric];
      if (error) throw error;
      return fixture.ports.store.query(query);
    },
  };
  const evaluateAll = () =>
    evaluateShard(
      { config: fixture.config, targets: nodes, roundMs: START, shard: WHOLE },
      { ...fixture.ports, store, onRuleFailed: (name) => failed.push(name) },
    );
  return { ...fixture, evaluateAll, asked, failed, onAsked };
}

describe('a rule that throws', () => {
  it('does not stop the others, is counted, logged and named, and keeps its checkpoint', async () => {
    const fixture = createTrial(['a', 'b', 'c'], { b: new RangeError('Maximum call stack size exceeded') });
    const before = { version: 1 } as never;
    await fixture.state.saveCheckpoint('b', shardName(WHOLE), before, 0);
    const transitions = await fixture.evaluateAll();
    expect(transitions.map(({ rule, kind }) => `${rule} ${kind}`)).toEqual(['a firing', 'c firing']);
    expect([fixture.failed, fixture.counted.get('rule_failures_total')]).toEqual([['b'], 1]);
    expect(fixture.logger.lines).toContainEqual({
      level: 'error',
      message: 'a rule could not be evaluated; the others are',
      fields: { rule: 'b', error: 'Maximum call stack size exceeded' },
    });
    expect((await fixture.state.loadCheckpoint('b', shardName(WHOLE)))?.value).toEqual(before);
  });

  it.each([
    ['a store that may answer later', new RetryableError('no answer')],
    ['a store that refuses its question', new PermanentError('too many samples')],
    ['what only an operator can mend', new ConfigError('access denied')],
  ])('is no failure of the round: %s', async (_, error) => {
    const fixture = createTrial(['a', 'b'], { a: error });
    expect((await fixture.evaluateAll()).map(({ rule }) => rule)).toEqual(['b']);
    expect(fixture.failed).toEqual(['a']);
  });

  it('fails the round where none could be evaluated', async () => {
    const error = new ConfigError('access denied');
    const fixture = createTrial(['a', 'b'], { a: error, b: error });
    await expect(fixture.evaluateAll()).rejects.toThrow('access denied');
    expect(fixture.failed).toEqual(['a', 'b']);
  });

  it('is tried once more after the others, where that may help', async () => {
    const failing: Record<string, Error> = { a: new RetryableError('throttled') };
    const fixture = createTrial(['a', 'b'], failing);
    fixture.onAsked((metric) => {
      if (metric === 'b') delete failing.a;
    });
    expect((await fixture.evaluateAll()).map(({ rule }) => rule)).toEqual(['b', 'a']);
    expect([fixture.failed, fixture.counted.get('rule_failures_total')]).toEqual([[], undefined]);
  });

  it('asks a store that is out for a few rules only', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const fixture = createTrial(names, Object.fromEntries(names.map((n) => [n, new RetryableError('out')])));
    await expect(fixture.evaluateAll()).rejects.toThrow('out');
    expect(fixture.asked.filter((name) => name !== 'up')).toEqual(['a', 'b', 'c']);
    expect(new Set(fixture.failed)).toEqual(new Set(names));
  });

  it('does not stop the others of a shard', async () => {
    const rules = [ruleOf('broken', { where: { cluster: null as never } }), ruleOf('sound', {})];
    const samples = targets.map(({ cluster, node, role }) => ({
      metric: 'mem_usage',
      labels: { cluster, node, role },
      timeMs: MINUTE,
      value: 95,
    }));
    const fixture = createShardFixture({ samples, rules });
    const found: string[] = [];
    for (const shard of shardsOf(2) as Shard[]) found.push(...(await fixture.evaluate(shard, 1)));
    expect(found.length).toBeGreaterThan(0);
    expect(fixture.counted.get('rule_failures_total')).toBeGreaterThan(0);
  });
});

it('evaluates a window of more samples than a call has room for', async () => {
  const second = 1_000;
  const samples = 130_000;
  const window = { lastMs: samples * second, reduce: 'max' as const };
  const fixture = createStageFixture({ rules: [{ ...memory, forMs: 0, window }, nodeDown] });
  const labels = { cluster: 'prod', node: 'n1', role: 'etcd' };
  const points = Array.from({ length: samples }, (_, i) => ({
    timeMs: START - (samples - 1 - i) * second,
    value: i === 5 ? 99 : 50,
  }));
  const store = {
    ...fixture.ports.store,
    query: async ({ metric }: { metric: string }) =>
      metric === 'mem_usage' ? [{ metric, labels, points }] : [],
  };
  const checks = fixture.config.checks.map((check) => ({ ...check, everyMs: second }));
  const config = { ...fixture.config, checks, schedule: { ...fixture.config.schedule, latenessMs: second } };
  const request = { config, targets: nodes, roundMs: START, shard: WHOLE };
  const transitions = await evaluateShard(request, { ...fixture.ports, store });
  expect(transitions.map(({ rule, value }) => [rule, value])).toEqual([['memory', 99]]);
});
