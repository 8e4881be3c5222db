import { currentForMs } from '../current.ts';
import { createIntervals } from '../intervals.ts';
import type { Config } from '../model/config.ts';
import type { Rule } from '../model/rule.ts';
import type { Series } from '../model/sample.ts';
import type { Target } from '../model/target.ts';
import type { SampleStore } from '../ports.ts';
import { metricsOf } from '../rule-query.ts';

/** A time in which a metric has no sample of any series: what a rule would have said is unknown. */
export interface Gap {
  fromMs: number;
  toMs: number;
  /** `roll-ups`: the samples were deleted, and only what five minutes come to is left. */
  left: 'nothing' | 'roll-ups';
}

export type MetricGap = Gap & { metric: string };

/** Which times of the range have samples, by metric. */
export interface Coverage {
  add(series: readonly Series[]): void;
  /** Where no series of the metric has a sample for longer than one is current; `intervalMs` is that of its slowest check. */
  gaps(metric: string, intervalMs: number): Omit<Gap, 'left'>[];
  /** `cluster/node` of each node that has samples of `up`. */
  nodes(): ReadonlySet<string>;
}

const BIN_MS = 60_000;
/** How much of each end of a gap is searched for roll-ups. */
const SEARCHED_MS = 3_600_000;
/** Gaps of a metric that are listed; a store that stood still every night has more. */
const MOST_GAPS = 100;

export function createCoverage(fromMs: number, toMs: number): Coverage {
  const bins = Math.max(1, Math.ceil((toMs - fromMs + 1) / BIN_MS));
  const seen = new Map<string, Uint8Array>();
  const nodes = new Set<string>();
  return {
    nodes: () => nodes,
    add(series) {
      for (const { metric, labels, points } of series) {
        if (metric === 'up') nodes.add(`${labels.cluster}/${labels.node}`);
        const marks = seen.get(metric) ?? new Uint8Array(bins);
        seen.set(metric, marks);
        for (const { timeMs } of points) {
          const bin = Math.floor((timeMs - fromMs) / BIN_MS);
          if (bin >= 0 && bin < bins) marks[bin] = 1;
        }
      }
    },
    gaps(metric, intervalMs) {
      const marks = seen.get(metric);
      if (!marks) return [{ fromMs, toMs }];
      const longestMs = currentForMs(intervalMs);
      const found: Omit<Gap, 'left'>[] = [];
      let sinceMs = fromMs;
      for (let bin = 0; bin <= bins; bin++) {
        if (bin < bins && marks[bin] === 0) continue;
        const atMs = Math.min(toMs, fromMs + bin * BIN_MS);
        if (atMs - sinceMs > longestMs) found.push({ fromMs: sinceMs, toMs: atMs });
        sinceMs = atMs + BIN_MS;
      }
      return found;
    },
  };
}

/** What is left of a gap's samples: a verdict from roll-ups is none, as the samples between may have been anything. */
export async function describeGap(
  store: Pick<SampleStore, 'rollUps'>,
  metric: string,
  { fromMs, toMs }: Omit<Gap, 'left'>,
): Promise<Gap> {
  const ends = [
    { fromMs, toMs: Math.min(toMs, fromMs + SEARCHED_MS) },
    { fromMs: Math.max(fromMs, toMs - SEARCHED_MS), toMs },
  ];
  for (const range of ends) {
    const found = await store.rollUps({ metric, ...range });
    if (found.some(({ points }) => points.some(({ timeMs }) => timeMs >= fromMs && timeMs < toMs)))
      return { fromMs, toMs, left: 'roll-ups' };
  }
  return { fromMs, toMs, left: 'nothing' };
}

/** Finds where the verdict of a rule is unknown. Rules on one metric share what the store was asked about it. */
export function createRuleGaps(
  { config, targets }: { config: Pick<Config, 'checks'>; targets: readonly Target[] },
  coverage: Coverage,
  store: Pick<SampleStore, 'rollUps'>,
): (rule: Pick<Rule, 'metric' | 'over'>) => Promise<MetricGap[]> {
  const intervals = createIntervals(config.checks, targets);
  const known = new Map<string, readonly MetricGap[]>();
  const gapsOf = async (metric: string): Promise<readonly MetricGap[]> => {
    const found: MetricGap[] = [];
    for (const gap of coverage.gaps(metric, intervals.longest(metric, [])).slice(0, MOST_GAPS))
      found.push({ metric, ...(await describeGap(store, metric, gap)) });
    return found;
  };
  return async (rule) => {
    for (const metric of metricsOf(rule)) if (!known.has(metric)) known.set(metric, await gapsOf(metric));
    return metricsOf(rule).flatMap((metric) => known.get(metric) ?? []);
  };
}

/** How much of the range no gap covers. */
export function knownMs(
  gaps: readonly Pick<Gap, 'fromMs' | 'toMs'>[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
): number {
  let known = 0;
  let atMs = fromMs;
  for (const gap of gaps.toSorted((a, b) => a.fromMs - b.fromMs)) {
    known += Math.max(0, gap.fromMs - atMs);
    atMs = Math.max(atMs, gap.toMs);
  }
  return known + Math.max(0, toMs - atMs);
}
