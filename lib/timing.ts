// Times of the pipeline that follow from the configuration.
import type { BastionConfig } from '../core/config/types.ts';
import type { Check } from '../core/model.ts';
import { tickIntervalMs } from '../core/plan/plan.ts';

const MINUTE_MS = 60_000;
/** What a function has for all but its work: start, reading configuration and secrets, handing on. */
const OVERHEAD_SECONDS = 15;
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const LONGEST_TIMEOUT_SECONDS = 900;

/** The tick in whole minutes, or undefined where it is none or none that fits a schedule (1 to 60). */
export function tickMinutes(checks: readonly Check[]): number | undefined {
  const minutes = tickIntervalMs(checks) / MINUTE_MS;
  return Number.isInteger(minutes) && minutes >= 1 && minutes <= 60 ? minutes : undefined;
}

/**
 * How often the schedule fires, in minutes. A pattern can only say what divides an hour; where the tick does not, it
 * fires more often, and nothing is due in between.
 */
export function scheduleMinutes(tick: number): number {
  let [a, b] = [tick, 60];
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}

/** Seconds after which even a batch of silent nodes is done, over the slowest bastion. */
export function probeTimeoutSeconds(bastions: readonly BastionConfig[]): number {
  return Math.max(60, ...bastions.map(slowestBatchSeconds));
}

/** Seconds of a batch in which every phase takes as long as it may. */
export function slowestBatchSeconds({ batchSize, concurrency, deadlines }: BastionConfig): number {
  const turns = Math.ceil(batchSize / concurrency);
  const nodeMs = deadlines.dialMs + deadlines.handshakeMs + deadlines.execMs;
  return Math.ceil((deadlines.bastionMs + turns * nodeMs) / 1000) + OVERHEAD_SECONDS;
}
