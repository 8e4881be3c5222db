import { describe, expect, it } from 'vitest';
import { createMemoryState } from '../../test/memory-state.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { type MeterChange, meterTo } from '../meter.ts';
import type { Batch } from '../model/batch.ts';
import type { Config } from '../model/config.ts';
import type { BatchObservation, Observation } from '../model/observation.ts';
import type { Rule } from '../model/rule.ts';
import type { Sample } from '../model/sample.ts';
import type { Target } from '../model/target.ts';
import { shardsOf } from '../plan/shards.ts';
import type { RejectedSample, SampleStore } from '../ports.ts';
import { store, storeAnswered } from './store.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ROUND = 1_000 * HOUR;
const target = (node: string, cluster = 'c') => ({ cluster, node, role: 'etcd' }) as Target;
const batch: Batch = {
  roundMs: ROUND,
  bastion: 'b',
  index: 2,
  count: 3,
  checks: ['usage'],
  targets: [],
  expiresAtMs: 0,
};
const cpu = (node: string): Sample => ({
  metric: 'cpu_usage',
  labels: { cluster: 'c', node, role: 'etcd' },
  timeMs: ROUND,
  value: 7,
});
const seen = (node: string, change: Partial<Observation> = {}): Observation => ({
  check: 'usage',
  target: target(node),
  roundMs: ROUND,
  observedAtMs: ROUND,
  durationMs: 500,
  result: { ok: true, samples: [cpu(node)], notes: [] },
  ...change,
});
const failure = { reason: 'timeout', phase: 'dial', detail: 'no answer in 5 s' } as const;
const down = (node: string) => seen(node, { result: { ok: false, failure } });
const rule = (change: Partial<Rule> = {}) =>
  ({ name: 'cpu', metric: 'cpu_usage', where: {}, forMs: 0, keepFiringForMs: 0, ...change }) as Rule;

function createFixture(
  options: {
    nowMs?: number;
    rules?: Rule[];
    shards?: number;
    reject?: (sample: Sample) => RejectedSample['cause'] | undefined;
  } = {},
) {
  const { nowMs = ROUND + 1_000, rules = [rule()], shards = 1, reject = () => undefined } = options;
  const written: Sample[] = [];
  const changes: MeterChange[] = [];
  const state = createMemoryState();
  const kept: { shard: string; metrics: string[]; expiresInMs: number }[] = [];
  const logger = createRecordingLogger();
  const ports = {
    store: {
      async write(samples: readonly Sample[]) {
        const rejected = samples.flatMap((sample): RejectedSample[] => {
          const cause = reject(sample);
          return cause ? [{ sample, cause, reason: `because ${cause}` }] : [];
        });
        written.push(...samples.filter((sample) => !reject(sample)));
        return { written: samples.length - rejected.length - 1, duplicates: 1, rejected };
      },
    } as unknown as SampleStore,
    state: {
      ...state,
      putLateSamples: async (given: Parameters<typeof state.putLateSamples>[0]) => {
        const { shard, samples, expiresAtMs } = given;
        kept.push({
          shard,
          metrics: samples.map(({ metric }) => metric),
          expiresInMs: expiresAtMs - given.nowMs,
        });
        await state.putLateSamples(given);
      },
    },
    clock: { nowMs: () => nowMs },
    logger,
    meter: meterTo((change) => changes.push(change)),
  };
  const config = {
    rules,
    checks: [{ name: 'usage', probe: 'usage', everyMs: MINUTE, where: {}, options: {} }],
    schedule: { latenessMs: 15 * MINUTE },
  } as unknown as Config;
  const settings = { config, shards: shardsOf(shards) };
  return {
    written,
    kept,
    logger,
    state,
    store: (
      observations: readonly Observation[],
      change: Partial<BatchObservation> = {},
      stored?: ReadonlySet<Observation>,
    ) => store({ batch, bastion: { ok: true }, observations, ...change }, ports, settings, stored),
    storeAnswered: (observations: readonly Observation[]) =>
      storeAnswered({ batch, observations }, ports, settings),
    counted: (name: string) =>
      changes.filter((change) => change.name === name).reduce((sum, { value }) => sum + value, 0),
  };
}
const namesOf = (samples: readonly Sample[]) =>
  samples.map(({ metric, labels }) => `${metric} ${labels.node ?? labels.bastion}`);

describe('a batch that is stored', () => {
  it('leaves its samples, and the status of its bastion and of each node', async () => {
    const fixture = createFixture();
    const result = await fixture.store([seen('n1'), down('n2')]);
    expect(namesOf(fixture.written)).toEqual(
      expect.arrayContaining(['bastion_up b', 'up n1', 'cpu_usage n1', 'up n2']),
    );
    const of = { batch: { bastion: 'b', index: 2 }, roundMs: ROUND };
    expect(await fixture.state.listTargetStatus()).toEqual(
      expect.arrayContaining([
        { cluster: '', node: 'b', check: '2', roundMs: ROUND, ok: true },
        { cluster: 'c', node: 'n1', check: 'usage', ok: true, ...of },
        {
          cluster: 'c',
          node: 'n2',
          check: 'usage',
          ok: false,
          reason: 'timeout',
          detail: failure.detail,
          ...of,
        },
      ]),
    );
    expect(fixture.counted('samples_written_total')).toBe(result.written);
    expect(fixture.counted('samples_duplicate_total')).toBe(1);
    expect(fixture.counted('nodes_seen_total')).toBe(1);
    expect(fixture.counted('samples_not_judged_total')).toBe(0);
    expect(fixture.logger.lines).toEqual([]);
  });

  it('whose bastion failed says why, and counts no node', async () => {
    const fixture = createFixture();
    await fixture.store([], { bastion: { ok: false, failure: { ...failure, phase: 'bastion' } } });
    expect(await fixture.state.listTargetStatus()).toEqual([
      {
        cluster: '',
        node: 'b',
        check: '2',
        roundMs: ROUND,
        ok: false,
        reason: 'timeout',
        detail: failure.detail,
      },
    ]);
    expect(fixture.counted('nodes_seen_total')).toBe(0);
  });

  it('says of each of several bastions why it failed', async () => {
    const fixture = createFixture();
    const lost = { ok: false, failure: { ...failure, phase: 'bastion' } } as const;
    const ways = [
      { bastion: 'b', outcome: lost },
      { bastion: 'other', outcome: { ok: true } as const },
    ];
    await fixture.store([], { ways });
    const statuses = await fixture.state.listTargetStatus();
    expect(statuses.map(({ node, check, ok, detail }) => [node, check, ok, detail])).toEqual([
      ['b', '2', true, undefined],
      ['b', 'way b/2', false, failure.detail],
      ['other', 'way b/2', true, undefined],
    ]);
  });

  it('counts a node once, however many of its checks succeeded', async () => {
    const fixture = createFixture();
    const other = seen('n1', { check: 'etcd', probe: 'etcd' });
    await fixture.store([seen('n1'), other, seen('n1', { target: target('n1', 'd') })]);
    expect(fixture.counted('nodes_seen_total')).toBe(2);
  });

  it('leaves out nodes whose samples were stored before', async () => {
    const fixture = createFixture();
    const before = seen('n1');
    await fixture.store([before, seen('n2')], {}, new Set([before]));
    expect(namesOf(fixture.written)).not.toContain('up n1');
    expect(namesOf(fixture.written)).toContain('up n2');
    expect(await fixture.state.listTargetStatus()).toHaveLength(3);
  });

  it('leaves no status of a node whose `up` the store calls invalid', async () => {
    const fixture = createFixture({
      reject: ({ metric, labels }) => (metric === 'up' && labels.node === 'n1' ? 'invalid' : undefined),
    });
    await fixture.store([seen('n1'), seen('n2')]);
    const statuses = await fixture.state.listTargetStatus();
    expect(statuses.map(({ node }) => node).sort()).toEqual(['b', 'n2']);
    expect(fixture.counted('nodes_seen_total')).toBe(1);
    expect(fixture.counted('samples_rejected_total')).toBe(1);
    expect(fixture.logger.lines).toMatchObject([
      { level: 'warn', fields: { count: 1, metric: 'up', reason: 'because invalid' } },
    ]);
  });

  it.each([
    ['another metric is invalid', 'cpu_usage', 'invalid'],
    ['its `up` is too late', 'up', 'too-late'],
  ] as const)('leaves the status of a node where %s', async (_, metric, cause) => {
    const fixture = createFixture({ reject: (sample) => (sample.metric === metric ? cause : undefined) });
    await fixture.store([seen('n1')]);
    expect(await fixture.state.listTargetStatus()).toHaveLength(2);
    expect(fixture.counted('nodes_seen_total')).toBe(1);
  });

  it.each([
    ['just in time for the rules', 15 * MINUTE, false],
    ['later than that', 15 * MINUTE + 1, true],
  ])('counts samples that no evaluation reaches back to: %s', async (_, lateMs, isLate) => {
    const fixture = createFixture({
      nowMs: ROUND + lateMs,
      reject: ({ metric }) => (metric === 'up' ? 'too-late' : undefined),
    });
    const { written } = await fixture.store([seen('n1')]);
    expect(fixture.counted('samples_not_judged_total')).toBe(isLate ? written + 1 : 0);
  });
});

describe('nodes that answered before their batch ends', () => {
  it('leave their samples alone: no status, nothing of the bastion or of nodes that are silent', async () => {
    const fixture = createFixture();
    await fixture.storeAnswered([seen('n1'), down('n2')]);
    expect(new Set(fixture.written.map(({ labels }) => labels.node))).toEqual(new Set(['n1']));
    expect(fixture.written.every(({ timeMs }) => timeMs === ROUND)).toBe(true);
    expect(await fixture.state.listTargetStatus()).toEqual([]);
  });
});

describe('samples that come too late for the store', () => {
  const late = (metrics: readonly string[]) => (sample: Sample) =>
    metrics.includes(sample.metric) ? ('too-late' as const) : undefined;

  it('are kept for rules, those of metrics that a rule uses and `up`, and counted', async () => {
    const fixture = createFixture({ reject: late(['up', 'cpu_usage', 'probe_duration']) });
    await fixture.store([seen('n1')]);
    expect(fixture.kept).toMatchObject([{ shard: 'local', metrics: ['up', 'cpu_usage'] }]);
    expect(fixture.counted('samples_too_late_total')).toBe(3);
    expect(fixture.counted('samples_rejected_total')).toBe(0);
    expect(fixture.logger.lines).toMatchObject([
      {
        level: 'warn',
        fields: { count: 3, kept: 2, round: new Date(ROUND).toISOString(), reason: 'because too-late' },
      },
    ]);
  });

  it.each([
    // 15 minutes of lateness, three hours to catch up, twice the three minutes that a rule holds at least.
    ['no rule asks for more', [rule()], 3 * HOUR + 21 * MINUTE],
    ['a rule holds an hour', [rule({ forMs: HOUR })], 5 * HOUR + 15 * MINUTE],
    ['it fires on for a while', [rule({ keepFiringForMs: 10 * MINUTE })], 3 * HOUR + 31 * MINUTE],
    ['a window reaches back', [rule({ window: { lastMs: HOUR, reduce: 'max' } })], 4 * HOUR + 21 * MINUTE],
    ['of several rules one does', [rule({ forMs: HOUR }), rule()], 5 * HOUR + 15 * MINUTE],
    ['there are no rules', [], 3 * HOUR + 15 * MINUTE],
  ])('are kept as long as an evaluation may read them: %s', async (_, rules, reachMs) => {
    const kept = async (nowMs: number) => {
      const fixture = createFixture({ rules, nowMs, reject: late(['up']) });
      await fixture.store([seen('n1')]);
      return fixture.kept;
    };
    expect(await kept(ROUND + reachMs)).toEqual([{ shard: 'local', metrics: ['up'], expiresInMs: reachMs }]);
    expect(await kept(ROUND + reachMs + 1)).toEqual([]);
  });

  it('are kept for the shard that evaluates them', async () => {
    const fixture = createFixture({
      shards: 3,
      reject: late(['up', 'bastion_up']),
      rules: [rule({ metric: 'bastion_up' })],
    });
    await fixture.store([seen('n1')]);
    expect(fixture.kept.map(({ shard, metrics }) => [shard, metrics])).toEqual([
      [expect.stringMatching(/^\d\/3$/), ['up']],
      ['fleet', ['bastion_up']],
    ]);
  });
});
