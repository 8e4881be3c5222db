// A fleet judged in parts comes to what it comes to as a whole.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMemoryState } from '../../test/memory-state.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { labelKey, labelsMatch } from '../labels.ts';
import type { Labels, Rule, Sample, Series, Target } from '../model.ts';
import { type Shard, shardsOf, WHOLE } from '../plan/shards.ts';
import type { SampleStore } from '../ports.ts';
import { evaluate } from './evaluate.ts';

const MINUTE = 60_000;
const ROUNDS = 14;
const CLUSTERS = Array.from({ length: 9 }, (_, i) => `c${i}`);
const targets: Target[] = CLUSTERS.flatMap((cluster, i) =>
  ['a', 'b'].map((node) => ({
    cluster,
    node: `${cluster}-${node}`,
    role: 'etcd' as const,
    host: 'h',
    port: 22,
    user: 'u',
    bastion: `b${i % 2}`,
    hostKeys: [],
  })),
);
const rule = (name: string, extra: Partial<Rule>): Rule => ({
  name,
  title: name,
  metric: 'mem_usage',
  where: {},
  condition: { kind: 'above', threshold: 90 },
  forMs: 2 * MINUTE,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'warning',
  inhibitedBy: [],
  ...extra,
});
const rules = [
  rule('plain', {}),
  rule('some', { where: { cluster: ['c1', 'c[1-9]', 'c?'], node: ['*-a'] }, noData: 'alerting' }),
  rule('by-cluster', { aggregate: { by: ['cluster'], op: 'max' } }),
  rule('fleet', { aggregate: { by: [], op: 'avg' }, condition: { kind: 'above', threshold: 50 } }),
  rule('by-role', { aggregate: { by: ['role'], op: 'count' }, condition: { kind: 'below', threshold: 18 } }),
  rule('bastion', { metric: 'bastion_up', condition: { kind: 'below', threshold: 1 } }),
  rule('down', { metric: 'up', condition: { kind: 'below', threshold: 1 } }),
];

function storeOf(samples: readonly Sample[]): { store: SampleStore; asked: string[] } {
  const asked: string[] = [];
  const query: SampleStore['query'] = async ({ metric, where = {}, fromMs, toMs }) => {
    asked.push(`${metric} ${where.cluster?.join(' ') ?? '*'}`);
    const found = new Map<string, Series & { points: { timeMs: number; value: number }[] }>();
    for (const { labels, timeMs, value, metric: name } of samples) {
      if (name !== metric || timeMs < fromMs || timeMs > toMs || !labelsMatch(where, labels)) continue;
      const key = labelKey(labels);
      const series = found.get(key) ?? { metric, labels, points: [] };
      found.set(key, series);
      series.points.push({ timeMs, value });
    }
    return [...found.values()];
  };
  return { store: { query } as SampleStore, asked };
}

async function transitionsOf(
  samples: readonly Sample[],
  shards: readonly Shard[],
  lastTargets: readonly Target[],
) {
  const state = createMemoryState();
  const { store, asked } = storeOf(samples);
  const ports = {
    store,
    state,
    logger: createRecordingLogger(),
    meter: { count: () => {}, gauge: () => {} },
  };
  const found: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Clusters, a node and a rule are gone by the last two rounds.
    const late = round >= ROUNDS - 2;
    const request = {
      config: {
        rules: late ? rules.slice(1) : rules,
        checks: [{ name: 'usage', probe: 'usage', everyMs: MINUTE, where: {}, options: {} }],
        schedule: { jitterMs: 0, timeZone: 'UTC', latenessMs: 3 * MINUTE },
      },
      targets: late ? lastTargets : targets,
      roundMs: round * MINUTE,
    };
    for (const shard of shards) {
      for (const { id, kind, atMs, reason } of await evaluate({ ...request, shard }, ports)) {
        found.push(`${id} ${kind} ${atMs} ${reason}`);
      }
    }
  }
  const left = (await state.listAlerts()).map(({ value }) => `${value.id} ${value.status} ${value.sinceMs}`);
  return { transitions: found.sort(), left: left.sort(), asked };
}

const values = fc.array(fc.constantFrom(40, 95, undefined), { minLength: ROUNDS, maxLength: ROUNDS });

it('has the same transitions in parts as whole (property)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(values, { minLength: targets.length, maxLength: targets.length }),
      fc.integer({ min: 2, max: 5 }),
      fc.subarray(targets),
      async (byTarget, count, lastTargets) => {
        const samples = targets.flatMap(({ cluster, node, role }, t) => {
          const labels: Labels = { cluster, node, role };
          return (byTarget[t] ?? []).flatMap((value, round): Sample[] => {
            const timeMs = round * MINUTE;
            const up = { metric: 'up', labels, timeMs, value: value === undefined ? 0 : 1 };
            return value === undefined ? [up] : [up, { metric: 'mem_usage', labels, timeMs, value }];
          });
        });
        const bastions = (byTarget[0] ?? []).map((value, round) => ({
          metric: 'bastion_up',
          labels: { bastion: 'b0', batch: '0' },
          timeMs: round * MINUTE,
          value: value === 95 ? 0 : 1,
        }));
        const all = [...samples, ...bastions];
        const whole = await transitionsOf(all, [WHOLE], lastTargets);
        const parts = await transitionsOf(all, shardsOf(count), lastTargets);
        expect(parts.transitions).toEqual(whole.transitions);
        expect(parts.left).toEqual(whole.left);
      },
    ),
    { numRuns: 25 },
  );
});

it('asks for the clusters of the part only, once a rule', async () => {
  const { asked } = await transitionsOf([], [{ kind: 'clusters', index: 0, count: 3 }], targets);
  const clusters = new Set(asked.flatMap((line) => line.split(' ').slice(1)));
  expect(clusters.has('*')).toBe(false);
  expect(clusters.size).toBeLessThan(CLUSTERS.length);
  expect(asked.some((line) => line.startsWith('bastion_up'))).toBe(false);
});
