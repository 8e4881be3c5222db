// Times of a deployment that depend on the configuration alone.
import type { Check } from '../model/check.ts';
import type { BastionConfig, Config } from '../model/config.ts';
import { tickIntervalMs } from '../plan/plan.ts';

const MINUTE_MS = 60_000;
/** Time of a function beside its work: it starts, reads configuration and secrets, and sends its results. */
export const OVERHEAD_SECONDS = 15;
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const LONGEST_TIMEOUT_SECONDS = 900;
/** A shorter time-out saves nothing: AWS bills the time that a function runs, and a minute is soon enough for another attempt. */
export const LEAST_SECONDS = 60;

/** The tick in minutes. Undefined when it is not a whole number from 1 to 60, which a schedule needs. */
export function tickMinutes(checks: readonly Check[]): number | undefined {
  const minutes = tickIntervalMs(checks) / MINUTE_MS;
  return Number.isInteger(minutes) && minutes >= 1 && minutes <= 60 ? minutes : undefined;
}

/**
 * Seconds after which even a batch of silent nodes behind the slowest bastion is done. Where there are several bastions, nodes
 * may have two, and a batch may ask the second one about each node.
 */
export function probeTimeoutSeconds(bastions: readonly BastionConfig[]): number {
  const once = Math.max(LEAST_SECONDS, ...bastions.map(slowestBatchSeconds));
  return bastions.length > 1 ? Math.min(LONGEST_TIMEOUT_SECONDS, 2 * once - OVERHEAD_SECONDS) : once;
}

/** Seconds of the longest query to history; 0 when nobody may ask. */
export function querySeconds({ server: { history } }: Pick<Config, 'server'>): number {
  return history.enabled ? Math.ceil(history.timeoutMs / 1000) : 0;
}

/** Seconds of a batch in which every phase takes its whole deadline. */
export function slowestBatchSeconds({ batchSize, concurrency, deadlines }: BastionConfig): number {
  const turns = Math.ceil(batchSize / concurrency);
  const nodeMs = deadlines.dialMs + deadlines.handshakeMs + deadlines.execMs;
  return Math.ceil((deadlines.bastionMs + turns * nodeMs) / 1000) + OVERHEAD_SECONDS;
}
