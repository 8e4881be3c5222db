import type { EtcdMetrics } from '../../../core/parse/etcd-metrics.ts';
import { type Histogram, histogramQuantile } from '../../../core/parse/histogram.ts';
import { advanceWindow } from '../../../core/parse/histogram-window.ts';
import type { Reading } from '../../../core/parse/reading.ts';
import { reading } from '../service-probe.ts';
import type { Kept } from './kept.ts';

/** Percentiles over about five minutes, against what earlier rounds of the same process kept. */
export function readLatency(
  { fsync, commit, startedAt }: EtcdMetrics,
  kept: Kept,
  time: { atMs: number; everyMs: number },
): { readings: Reading[]; kept: Kept } {
  const isSameProcess = startedAt === undefined || startedAt === kept.startedAt;
  const readings: Reading[] = [];
  const advance = (metric: string, histogram: Histogram | undefined, before: Kept['fsync']) => {
    if (histogram === undefined) return undefined;
    const { increase, window } = advanceWindow(isSameProcess ? before : undefined, histogram, time);
    const p99 = increase && histogramQuantile(0.99, increase);
    if (p99 !== undefined) readings.push(reading(metric, p99));
    return window;
  };
  return {
    kept: {
      seen: true,
      startedAt,
      fsync: advance('etcd_fsync_p99', fsync, kept.fsync),
      commit: advance('etcd_commit_p99', commit, kept.commit),
    },
    readings,
  };
}
