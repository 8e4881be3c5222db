// Runs of slow checks that failed: what the run before measured is repeated no more.

import { measures } from '../../core/intervals.ts';
import type { Config } from '../../core/model/config.ts';
import type { LabelGlobs, Labels } from '../../core/model/labels.ts';
import { isSlow } from '../../core/parse/last-values.ts';
import type { HistoryStore } from '../ports.ts';

export interface FailedRuns {
  /** Reads those of a range, which follows that of the call before; returns how many samples that were. */
  read(range: { fromMs: number; toMs: number }): Promise<number>;
  /** The first that is known after that time of a check that measures the series; Infinity where there is none. */
  firstAfter(labels: Labels, timeMs: number): number;
}

/** The one metric that says whether a check ran. */
const RAN = 'probe_success';
const OF_NODES = ['cluster', 'node', 'role'];

export function createFailedRuns(
  store: Pick<HistoryStore, 'query'>,
  checks: Config['checks'],
  { metric, where }: { metric: string; where: LabelGlobs },
): FailedRuns {
  const names = checks.filter((check) => isSlow(check) && measures(check, metric)).map(({ name }) => name);
  const ofNodes = Object.fromEntries(Object.entries(where).filter(([label]) => OF_NODES.includes(label)));
  const times = new Map<string, number[]>();
  return {
    async read(range) {
      if (names.length === 0) return 0;
      let count = 0;
      const found = await store.query({ metric: RAN, where: { ...ofNodes, check: names }, ...range });
      for (const { labels, points: runs } of found) {
        count += runs.length;
        const failed = runs.filter(({ value }) => value === 0).map(({ timeMs }) => timeMs);
        if (failed.length === 0) continue;
        const key = keyOf(labels, labels.check);
        times.set(key, [...(times.get(key) ?? []), ...failed]);
      }
      return count;
    },
    firstAfter(labels, timeMs) {
      if (times.size === 0) return Infinity;
      const ofChecks = labels.check === undefined ? names : [labels.check];
      const firsts = ofChecks.map((check) => times.get(keyOf(labels, check))?.find((ms) => ms > timeMs));
      return Math.min(...firsts.map((ms) => ms ?? Infinity));
    },
  };
}

function keyOf({ cluster, node }: Labels, check: string | undefined): string {
  return JSON.stringify([cluster, node, check]);
}
