// A small fleet of nine clusters whose rules are evaluated in shards or as a whole, over a store in memory.

import { labelKey } from '../core/labels.ts';
import { meterTo } from '../core/meter.ts';
import type { Rule } from '../core/model/rule.ts';
import type { Point, Sample, Series } from '../core/model/sample.ts';
import type { Target } from '../core/model/target.ts';
import type { Shard } from '../core/plan/shards.ts';
import type { SampleStore, StateStore } from '../core/ports.ts';
import { isSelected } from '../core/selection.ts';
import { evaluateShard } from '../core/stages/evaluate.ts';
import { createMemoryState } from './memory-state.ts';
import { createRecordingLogger } from './recording-logger.ts';

export const MINUTE = 60_000;
export const LATENESS_ROUNDS = 3;
export const CLUSTERS = Array.from({ length: 9 }, (_, i) => `c${i}`);
export const targets: Target[] = CLUSTERS.flatMap((cluster, i) =>
  (['a', 'b'] as const).map((node) => ({
    cluster,
    node: `${cluster}-${node}`,
    role: i % 3 === 0 && node === 'a' ? ('apiserver' as const) : ('etcd' as const),
    host: 'h',
    port: 22,
    user: 'u',
    bastion: `b${i % 2}`,
    hostKeys: [],
  })),
);

export const ruleOf = (name: string, extra: Partial<Rule>): Rule => ({
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

export interface LateSample extends Sample {
  /** Round before which the store has not seen it, and half a round where it is evaluated in two goes. */
  fromRound?: number;
}

export interface ShardFixture {
  /**
   * Evaluates one shard at a round; each transition as `id kind atMs reason value`. `batchesOutstanding`: it is
   * evaluated again half a round later.
   */
  evaluate(
    shard: Shard,
    round: number,
    change?: { rules?: readonly Rule[]; targets?: readonly Target[]; batchesOutstanding?: boolean },
  ): Promise<string[]>;
  /** The alerts that are not ok. */
  openAlerts(): Promise<string[]>;
  state: StateStore;
  /** `metric cluster cluster …` of each query, `*` for all. */
  asked: string[];
  /** The start of the range of each query, in ms. */
  askedFromMs: number[];
  counted: Map<string, number>;
  logger: ReturnType<typeof createRecordingLogger>;
}

export function createShardFixture(options: {
  samples: readonly LateSample[];
  rules: readonly Rule[];
}): ShardFixture {
  const state = createMemoryState();
  const asked: string[] = [];
  const askedFromMs: number[] = [];
  const counted = new Map<string, number>();
  let now = 0;
  const query: SampleStore['query'] = async ({ metric, where = {}, whereNot, fromMs, toMs }) => {
    askedFromMs.push(fromMs);
    asked.push(`${metric} ${where.cluster?.join(' ') ?? '*'}`);
    const found = new Map<string, Series & { points: Point[] }>();
    for (const { labels, timeMs, value, metric: name, fromRound = 0 } of options.samples) {
      if (name !== metric || timeMs < fromMs || timeMs > toMs || fromRound > now) continue;
      if (!isSelected({ where, whereNot }, labels)) continue;
      const key = labelKey(labels);
      const series = found.get(key) ?? { metric, labels, points: [] };
      found.set(key, series);
      series.points.push({ timeMs, value });
    }
    return [...found.values()];
  };
  const logger = createRecordingLogger();
  const ports = {
    store: { query } as SampleStore,
    state,
    clock: { nowMs: () => Math.floor(now) * MINUTE },
    logger,
    meter: meterTo(({ name, value }) => void counted.set(name, (counted.get(name) ?? 0) + value)),
  };
  return {
    state,
    asked,
    askedFromMs,
    counted,
    logger,
    async evaluate(shard, round, change = {}) {
      now = change.batchesOutstanding === false ? round + 0.5 : round;
      const request = {
        config: {
          rules: [...(change.rules ?? options.rules)],
          checks: [{ name: 'usage', probe: 'usage' as const, everyMs: MINUTE, where: {}, options: {} }],
          schedule: { jitterMs: 0, timeZone: 'UTC', latenessMs: LATENESS_ROUNDS * MINUTE },
        },
        targets: change.targets ?? targets,
        roundMs: round * MINUTE,
        shard,
        ...(change.batchesOutstanding !== undefined && { batchesOutstanding: change.batchesOutstanding }),
      };
      const emitted = await evaluateShard(request, ports);
      return emitted.map(({ id, kind, atMs, reason, value }) => `${id} ${kind} ${atMs} ${reason} ${value}`);
    },
    openAlerts: async () =>
      (await state.listAlerts())
        .map(({ value }) => `${value.id} ${value.status} ${value.sinceMs} ${value.value}`)
        .sort(),
  };
}
