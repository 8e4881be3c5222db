import type { Batch } from '../../core/model/batch.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { BatchObservation, Observation } from '../../core/model/observation.ts';
import type { Target } from '../../core/model/target.ts';
import type { Random } from './random.ts';
import type { Storm } from './storm.ts';

/** The values of the nodes of a schedule, round by round; they follow from the seed. */
export interface Fleet {
  clusters: readonly { name: string; bastion: string; nodes: readonly string[] }[];
  bastions: readonly string[];
  everyMs: number;
  /** Whether the node breaches in the round of that time. */
  breaches(metric: Metric, node: string, roundMs: number): boolean;
  /** The observation of a batch. */
  observe(batch: Batch, nowMs: number): BatchObservation;
}

export const METRICS = ['mem_usage', 'swap_usage', 'up'] as const;
export type Metric = (typeof METRICS)[number];
export const ROLE = 'controlplane';

export const labelsOf = (target: Pick<Target, 'cluster' | 'node'>): Labels => ({
  cluster: target.cluster,
  node: target.node,
  role: ROLE,
});

/** From `calmFromMs` on every node keeps its value. */
export function createFleet(
  random: Random,
  options: { fromMs: number; calmFromMs: number; untilMs: number; storm: Storm | undefined },
): Fleet {
  const everyMs = random.pick([2, 3, 4, 5, 5, 5]) * 60_000;
  const bastions = random.chance(0.5) ? ['b1'] : ['b1', 'b2'];
  const clusters = Array.from({ length: random.int(3, 4) }, (_, c) => ({
    name: `c${c + 1}`,
    bastion: random.pick(bastions),
    nodes: Array.from({ length: random.int(1, 2) }, (_, n) => `n${c + 1}${n + 1}`),
  }));
  const nodes = clusters.flatMap((cluster) => cluster.nodes);
  const first = Math.floor(options.fromMs / everyMs);
  const rounds = Math.ceil((options.untilMs - options.fromMs) / everyMs) + 2;
  const calm = Math.floor((options.calmFromMs - options.fromMs) / everyMs);
  // Some series change all the time; the others breach once or twice in a schedule.
  const scripts = new Map<string, boolean[]>();
  for (const metric of METRICS) {
    for (const node of nodes) {
      const okRounds = (metric === 'up' ? 3 : 1) * random.pick([15, 40, 80]);
      scripts.set(`${metric} ${node}`, script(random, { rounds, calm, okRounds }));
    }
  }
  const { storm } = options;
  if (storm) clusters.push({ name: storm.cluster, bastion: bastions[0] ?? 'b1', nodes: [...storm.nodes] });
  const salt = random.int(0, 1e9);
  const outages = Array.from({ length: random.int(0, 2) }, () => {
    const from = random.int(0, Math.max(1, calm - 4));
    return { bastion: random.pick(bastions), from, to: from + random.int(1, 3) };
  });
  const missing = random.pick([0, 0.01, 0.04]);

  const indexOf = (roundMs: number) => Math.floor(roundMs / everyMs) - first;
  const breaches = (metric: Metric, node: string, roundMs: number): boolean => {
    if (storm?.nodes.includes(node)) {
      return (
        metric === 'mem_usage' && storm.spells.some(({ fromMs, toMs }) => fromMs <= roundMs && roundMs < toMs)
      );
    }
    const line = scripts.get(`${metric} ${node}`) ?? [];
    return line[Math.min(line.length - 1, Math.max(0, indexOf(roundMs)))] ?? false;
  };
  const noise = (metric: Metric, node: string, roundMs: number) =>
    hash(`${salt} ${metric} ${node} ${roundMs}`);

  function observationOf(target: Target, batch: Batch, nowMs: number): Observation {
    const { node } = target;
    const at = { check: 'usage', target, roundMs: batch.roundMs, observedAtMs: nowMs, durationMs: 40 };
    if (breaches('up', node, batch.roundMs)) {
      return {
        ...at,
        result: { ok: false, failure: { reason: 'unreachable', phase: 'dial', detail: 'no route' } },
      };
    }
    const samples = (['mem_usage', 'swap_usage'] as const).flatMap((metric) => {
      if (indexOf(batch.roundMs) < calm && noise(metric, `${node} lost`, batch.roundMs) < missing) return [];
      const part = noise(metric, node, batch.roundMs);
      // Two decimals that differ from round to round, so that a value in a message belongs to one round.
      const value = breaches(metric, node, batch.roundMs) ? 92 + part * 7.9 : 20 + part * 50;
      return [{ metric, labels: labelsOf(target), timeMs: batch.roundMs, value: Number(value.toFixed(4)) }];
    });
    return { ...at, result: { ok: true, samples, notes: [] } };
  }

  return {
    clusters,
    bastions,
    everyMs,
    breaches,
    observe(batch, nowMs) {
      const index = indexOf(batch.roundMs);
      const out = outages.some(
        ({ bastion, from, to }) => bastion === batch.bastion && index >= from && index < to,
      );
      if (out) {
        const failure = { reason: 'unreachable', phase: 'bastion', detail: 'refused' } as const;
        return { batch, bastion: { ok: false, failure }, observations: [] };
      }
      const observations = batch.targets.map((target) => observationOf(target, batch, nowMs));
      return { batch, bastion: { ok: true }, observations };
    },
  };
}

/** Streaks of good and bad rounds; from `calm` on the last one continues. */
function script(random: Random, options: { rounds: number; calm: number; okRounds: number }): boolean[] {
  const line: boolean[] = [];
  let bad = random.chance(0.15);
  while (line.length < options.calm) {
    const length = bad ? random.pick([1, 2, 3, 4, 6, 8, 15, 30]) : random.int(1, 2 * options.okRounds);
    for (let i = 0; i < length; i++) line.push(bad);
    bad = !bad;
  }
  line.length = options.calm;
  const last = line.at(-1) ?? false;
  while (line.length < options.rounds) line.push(last);
  return line;
}

/** 0 ≤ number < 1, derived from the text. */
function hash(text: string): number {
  let value = 2_166_136_261;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 16_777_619);
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return ((value ^ (value >>> 12)) >>> 0) / 4_294_967_296;
}
