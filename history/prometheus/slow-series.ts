// Series of slow checks. Queries lose sight of a series after five minutes, so the value of a check that runs less often is there again
// every two minutes, as a Prometheus-compatible store has it: see `SampleStore.repeat`.

import { findMetric } from '../../core/catalogue.ts';
import { currentForMs } from '../../core/current.ts';
import { createIntervals, measures } from '../../core/intervals.ts';
import type { Config } from '../../core/model/config.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Target } from '../../core/model/target.ts';
import { greatestOf } from '../../core/numbers/extremes.ts';
import { isSlow } from '../../core/parse/last-values.ts';
import type { ColumnBuilder } from './columns.ts';

const REPEAT_MS = 2 * 60_000;
/** Behind the time of a round, so that repeats cannot be taken for samples. */
const BEHIND_MS = 1;

export interface SlowSeries {
  /** How far before a range a sample may lie whose value is repeated in it; 0 for metrics that need no repeats. */
  reachMs(metric: string): number;
  /** The interval of a series whose values are repeated; undefined for others. */
  intervalMs(metric: string, labels: Labels): number | undefined;
}

export function createSlowSeries(checks: Config['checks'], targets: readonly Target[]): SlowSeries {
  const intervals = createIntervals(checks, targets);
  return {
    reachMs(metric) {
      if (!isOfCheck(metric)) return 0;
      const slow = checks.filter((check) => isSlow(check) && measures(check, metric));
      return slow.length === 0 ? 0 : currentForMs(greatestOf(slow.map(({ everyMs }) => everyMs)));
    },
    intervalMs(metric, labels) {
      if (!isOfCheck(metric)) return undefined;
      const everyMs = intervals.of(metric, labels);
      return isSlow({ everyMs }) ? everyMs : undefined;
    },
  };
}

/**
 * Adds the last value again until `untilMs`, the time of the next sample or the end of the range, while it is current. While the next
 * run may be under way there is a pause, as its sample may come late.
 */
export function addRepeats(
  series: ColumnBuilder,
  last: { timeMs: number; value: number },
  { everyMs, fromMs, untilMs }: { everyMs: number; fromMs: number; untilMs: number },
): void {
  const endMs = Math.min(untilMs - 1, last.timeMs + currentForMs(everyMs) + BEHIND_MS);
  const firstMs = Math.max(last.timeMs + 1, fromMs - BEHIND_MS);
  for (
    let roundMs = Math.ceil(firstMs / REPEAT_MS) * REPEAT_MS;
    roundMs + BEHIND_MS <= endMs;
    roundMs += REPEAT_MS
  ) {
    const dueMs = Math.floor(roundMs / everyMs) * everyMs;
    const isUnderWay = last.timeMs < dueMs && roundMs - dueMs < REPEAT_MS;
    if (!isUnderWay) series.add(roundMs + BEHIND_MS, last.value);
  }
}

/** Whether checks write it, and not each round. */
function isOfCheck(metric: string): boolean {
  const { group, probes } = findMetric(metric) ?? {};
  return probes !== undefined || group === 'check';
}
