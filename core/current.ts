const SHORTEST_MS = 5 * 60_000;
const INTERVALS = 2;

/**
 * How long a series' newest sample is current, everywhere: five minutes, of slower checks two intervals. Five minutes is the
 * look-back of PromQL, so that rules and Grafana agree: https://prometheus.io/docs/prometheus/latest/querying/basics/#staleness.
 */
export function currentForMs(intervalMs: number): number {
  return Math.max(SHORTEST_MS, INTERVALS * intervalMs);
}
