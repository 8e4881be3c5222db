// Processes that share a state must agree about the time: rounds that a former leader with a clock ahead has evaluated are not
// evaluated again, so that nothing fires until the clock of the next one has passed them.
import { formatSpan } from './format.ts';
import type { Finding } from './health.ts';

/** What docs/standby.md asks of clocks. */
const MOST_MS = 2_000;

/**
 * By how much another clock is ahead of ours, at least: it was read at some moment between the question and the answer.
 * Negative: ours is ahead. Zero: the times do not show a difference
 */
export function differenceOf(
  otherMs: number,
  { askedMs, answeredMs }: { askedMs: number; answeredMs: number },
): number {
  if (otherMs > answeredMs) return otherMs - answeredMs;
  return Math.min(0, otherMs - askedMs);
}

/** Undefined while the clocks agree well enough, or nobody knows. */
export function clockFinding(differenceMs: number | undefined): Finding | undefined {
  if (differenceMs === undefined || Math.abs(differenceMs) <= MOST_MS) return undefined;
  const side = differenceMs > 0 ? 'behind' : 'ahead of';
  return {
    code: 'clock-differs',
    words:
      `the clock of this machine is ${formatSpan(Math.abs(differenceMs))} ${side} that of the database: after a takeover ` +
      'nothing fires for as long as the clocks of two machines differ',
  };
}
