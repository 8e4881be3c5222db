import { buildChartSpec, type ChartSpec } from '../../core/chart/spec.ts';
import { sampleAlert } from '../contract/notifications.ts';

const MINUTE_MS = 60_000;
const NOW_MS = Date.UTC(2026, 10, 24, 9, 40);
const POINTS = 120;

/** Memory of the nine nodes of a cluster over two hours; the first node fires. */
export function alertChart(): ChartSpec {
  const labels = (n: number) => ({ cluster: '한빛-prod', node: `노드-${n}`, role: 'etcd' });
  const firedAtMs = NOW_MS - 20 * MINUTE_MS;
  return buildChartSpec({
    alerts: [sampleAlert({ labels: labels(1), sinceMs: firedAtMs - 10 * MINUTE_MS, firedAtMs })],
    rule: {
      name: 'memory-usage',
      title: 'Memory usage',
      metric: 'mem_usage',
      where: {},
      condition: { kind: 'above', threshold: 90 },
      forMs: 10 * MINUTE_MS,
      keepFiringForMs: 0,
      noData: 'keepLast',
      severity: 'critical',
      inhibitedBy: [],
    },
    series: Array.from({ length: 9 }, (_, n) => ({
      metric: 'mem_usage',
      labels: labels(n + 1),
      points: Array.from({ length: POINTS }, (_, i) => ({
        timeMs: NOW_MS - (POINTS - 1 - i) * MINUTE_MS,
        value: n === 0 && i > 85 ? 93 + Math.sin(i) : 70 - 6 * n + 4 * Math.sin(i / 3 + n),
      })),
    })),
    fromMs: NOW_MS - POINTS * MINUTE_MS,
    toMs: NOW_MS,
    nowMs: NOW_MS,
    timeZone: 'Asia/Seoul',
    intervalMs: MINUTE_MS,
    status: 'firing',
  });
}
