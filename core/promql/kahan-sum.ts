/**
 * A sum that carries what rounding lost (Kahan, as improved by Neumaier), step by step as Prometheus computes it, so that both
 * give the same bits. An infinite sum has lost nothing.
 */
export interface KahanSum {
  sum: number;
  /** What `sum` lacks. */
  lost: number;
}

export function addTo(total: KahanSum, value: number): void {
  const { sum } = total;
  const next = sum + value;
  total.lost = lostBy(sum, value, next, total.lost);
  total.sum = next;
}

/** What `next` = `sum` + `value` lacks, where `sum` lacked `lost`. */
export function lostBy(sum: number, value: number, next: number, lost: number): number {
  if (next === Infinity || next === -Infinity) return 0;
  return Math.abs(sum) >= Math.abs(value) ? lost + (sum - next + value) : lost + (value - next + sum);
}
