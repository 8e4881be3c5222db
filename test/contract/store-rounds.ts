import type { Sample, Series } from '../../core/model/sample.ts';

export const FIRST_MS = Date.UTC(2026, 10, 24);
export const ROUND_MS = 60_000;
/** The rounds that are not yet pruned. */
export const KEEP_ROUNDS = 40;
const NODES = 20;
export const ROUND_METRICS = ['up', 'mem_usage', 'disk_usage', 'probe_duration'] as const;

/** The content of a round follows from its number: three groups of metrics, and a node that only this round has. */
export function roundSamples(round: number): Sample[] {
  const timeMs = FIRST_MS + round * ROUND_MS;
  const nodes = [...Array.from({ length: NODES - 1 }, (_, i) => `n-${i}`), `only-${round}`];
  return nodes.flatMap((node, i) => {
    const labels = { cluster: 'c', node, role: 'etcd' };
    const value = round + i / 100;
    return [
      { metric: 'up', labels, timeMs, value },
      { metric: 'mem_usage', labels, timeMs, value },
      { metric: 'disk_usage', labels: { ...labels, mount: '/', device: 'vda' }, timeMs, value },
      { metric: 'probe_duration', labels: { ...labels, check: 'usage' }, timeMs, value },
    ];
  });
}

/** The numbers of the complete rounds in these series. @throws for half a round or a wrong value */
export function wholeRounds(metric: string, series: readonly Series[]): number[] {
  const counts = new Map<number, number>();
  for (const { labels, points } of series) {
    for (const { timeMs, value } of points) {
      const round = (timeMs - FIRST_MS) / ROUND_MS;
      counts.set(round, (counts.get(round) ?? 0) + 1);
      const expected = roundSamples(round).find((s) => s.metric === metric && s.labels.node === labels.node);
      if (expected?.value !== value) throw new Error(`round ${round}: ${labels.node} is ${value}`);
    }
  }
  for (const [round, count] of counts) {
    if (count !== NODES) throw new Error(`round ${round} has ${count} of ${NODES} samples of ${metric}`);
  }
  return [...counts.keys()].sort((a, b) => a - b);
}
