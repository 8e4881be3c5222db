import { MOST_BRIDGED_INTERVALS } from '../../core/chart/downsample.ts';
import { createIntervals } from '../../core/intervals.ts';
import { labelKey } from '../../core/labels.ts';
import type { Alert } from '../../core/model/alert.ts';
import type { Rule } from '../../core/model/rule.ts';
import { isPlain } from '../../core/rule-query.ts';
import type { HistoryConfig, HistoryPorts } from '../ports.ts';

const LONGEST_MS = 24 * 3_600_000;

/** Times since the breach began without samples of the alert's series, as charts show them. */
export async function readGaps(
  { labels, sinceMs }: Pick<Alert, 'labels' | 'sinceMs'>,
  rule: Rule,
  {
    config,
    ports,
    nowMs,
  }: { config: HistoryConfig; ports: Pick<HistoryPorts, 'store' | 'targets'>; nowMs: number },
): Promise<{ fromMs: number; toMs: number }[]> {
  if (!isPlain(rule) || sinceMs > nowMs) return [];
  const intervals = createIntervals(config.checks, await ports.targets());
  const longestMs = MOST_BRIDGED_INTERVALS * intervals.of(rule.metric, labels);
  const fromMs = Math.max(sinceMs, nowMs - LONGEST_MS);
  const where = Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, [value]]));
  const found = await ports.store.query({ metric: rule.metric, where, fromMs, toMs: nowMs });
  // A value with a star in it is a glob that matches others too.
  const own = found.find((series) => labelKey(series.labels) === labelKey(labels));
  const times = [fromMs, ...(own?.points ?? []).map(({ timeMs }) => timeMs), nowMs];
  return times.slice(1).flatMap((toMs, i) => {
    const from = times[i] ?? toMs;
    return toMs - from > longestMs ? [{ fromMs: from, toMs }] : [];
  });
}
