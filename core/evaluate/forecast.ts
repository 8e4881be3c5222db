import type { Point } from '../model/sample.ts';

/**
 * The value so long after the last of these points on the straight line that lies nearest to them (least squares). It is
 * what `predict_linear` of Prometheus gives, asked at the time of the last point, and computed in the same way: see
 * https://prometheus.io/docs/prometheus/latest/querying/functions/#predict_linear. That of a constant is that
 * constant; that of fewer than two points is undefined. Reads the points from the index `from` up to `to`, which is excluded.
 */
export function forecast(
  points: readonly Point[],
  aheadMs: number,
  from = 0,
  to = points.length,
): number | undefined {
  const [first, last] = [points[from], points[to - 1]];
  if (!first || !last || to - from < 2) return undefined;
  if (isConstant(points, from, to)) return first.value;
  const sums = new Float64Array(8);
  for (let i = from; i < to; i++) {
    const { timeMs, value } = points[i] as Point;
    // Seconds before the last point: small numbers, of which squares lose little.
    const x = (timeMs - last.timeMs) / 1000;
    add(sums, X, x);
    add(sums, Y, value);
    add(sums, XY, x * value);
    add(sums, XX, x * x);
  }
  const total = (at: number) => (sums[at] as number) + (sums[at + 1] as number);
  const [x, y, count] = [total(X), total(Y), to - from];
  const slope = (total(XY) - (x * y) / count) / (total(XX) - (x * x) / count);
  const now = y / count - (slope * x) / count;
  const then = slope * (aheadMs / 1000) + now;
  return Number.isFinite(then) ? then : undefined;
}

function isConstant(points: readonly Point[], from: number, to: number): boolean {
  const { value } = points[from] as Point;
  for (let i = from + 1; i < to; i++) if ((points[i] as Point).value !== value) return false;
  return true;
}

/** Places of sums, each with what its additions rounded away behind it. */
const [X, Y, XY, XX] = [0, 2, 4, 6] as const;

/** Adds to the sum at a place, and keeps what that rounds away (Neumaier, 1974). */
function add(sums: Float64Array, at: number, value: number): void {
  const sum = sums[at] as number;
  const next = sum + value;
  const lost = Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
  sums[at] = next;
  sums[at + 1] = (sums[at + 1] as number) + lost;
}
