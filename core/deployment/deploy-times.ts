// Times of a deployment that follow from the configuration alone.
import type { Check } from '../model/check.ts';
import type { BastionConfig } from '../model/config.ts';
import { tickIntervalMs } from '../plan/plan.ts';

const MINUTE_MS = 60_000;
/** What a function has for all but its work: start, reading configuration and secrets, handing on. */
export const OVERHEAD_SECONDS = 15;
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const LONGEST_TIMEOUT_SECONDS = 900;
/** A minute: less saves nothing, as a function is paid for what it runs, and its message comes back soon enough. */
export const LEAST_SECONDS = 60;

/** The tick in whole minutes, or undefined where it is none or none that fits a schedule (1 to 60). */
export function tickMinutes(checks: readonly Check[]): number | undefined {
  const minutes = tickIntervalMs(checks) / MINUTE_MS;
  return Number.isInteger(minutes) && minutes >= 1 && minutes <= 60 ? minutes : undefined;
}

/** Seconds after which even a batch of silent nodes is done, over the slowest bastion. */
export function probeTimeoutSeconds(bastions: readonly BastionConfig[]): number {
  return Math.max(LEAST_SECONDS, ...bastions.map(slowestBatchSeconds));
}

/** Seconds of a batch in which every phase takes as long as it may. */
export function slowestBatchSeconds({ batchSize, concurrency, deadlines }: BastionConfig): number {
  const turns = Math.ceil(batchSize / concurrency);
  const nodeMs = deadlines.dialMs + deadlines.handshakeMs + deadlines.execMs;
  return Math.ceil((deadlines.bastionMs + turns * nodeMs) / 1000) + OVERHEAD_SECONDS;
}
