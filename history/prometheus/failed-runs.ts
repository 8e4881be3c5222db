// Runs of slow checks that failed: what the run before measured is repeated no more.

import { measures } from '../../core/intervals.ts';
import type { Config } from '../../core/model/config.ts';
import type { LabelGlobs, Labels } from '../../core/model/labels.ts';
import { isSlow } from '../../core/parse/last-values.ts';
import type { HistoryStore } from '../ports.ts';
import type { SampleBudget } from './sample-budget.ts';

export interface FailedRuns {
  /** The first failed run after that time of a check that measures the series; Infinity where there is none. */
  firstAfter(labels: Labels, timeMs: number): number;
}

/** The one metric that says whether a check ran. */
const RAN = 'probe_success';
const OF_NODES = ['cluster', 'node', 'role'];

export async function readFailedRuns(
  store: Pick<HistoryStore, 'query'>,
  checks: Config['checks'],
  query: { metric: string; where: LabelGlobs; fromMs: number; toMs: number },
  budget: SampleBudget,
): Promise<FailedRuns> {
  const { metric, where, fromMs, toMs } = query;
  const names = checks.filter((check) => isSlow(check) && measures(check, metric)).map(({ name }) => name);
  if (names.length === 0) return { firstAfter: () => Infinity };
  const ofNodes = Object.fromEntries(Object.entries(where).filter(([label]) => OF_NODES.includes(label)));
  const found = await store.query({ metric: RAN, where: { ...ofNodes, check: names }, fromMs, toMs });
  const times = new Map<string, number[]>();
  for (const { labels, points } of found) {
    budget.spend(points.length);
    const failed = points.filter(({ value }) => value === 0).map(({ timeMs }) => timeMs);
    if (failed.length > 0) times.set(keyOf(labels, labels.check), failed);
  }
  return {
    firstAfter(labels, timeMs) {
      if (times.size === 0) return Infinity;
      const ofChecks = labels.check === undefined ? names : [labels.check];
      const firsts = ofChecks.map((check) =>
        times.get(keyOf(labels, check))?.find((failedMs) => failedMs > timeMs),
      );
      return Math.min(...firsts.map((ms) => ms ?? Infinity));
    },
  };
}

function keyOf({ cluster, node }: Labels, check: string | undefined): string {
  return JSON.stringify([cluster, node, check]);
}
