import { nextRoundMs } from '../core/plan/plan.ts';
import type { Clock, Logger, Meter } from '../core/ports.ts';
import type { Sleep } from './clock.ts';

/** The clock is read again at least this often, so that a jump of it is noticed. */
const LONGEST_SLEEP_MS = 30_000;

/**
 * Starts a round at every multiple of the tick, `offsetMs` (jitter) late, until the signal is aborted. Rounds never
 * overlap: one that is due while another runs is skipped, as are those that were missed while the machine slept; both
 * are counted. A clock that is set back is counted too, and rounds follow it. Resolves when the last round has ended, to the
 * round that would have started next.
 */
export async function runSchedule(options: {
  tickMs: number;
  offsetMs: number;
  /** The round that an earlier schedule would have started next; if it is due already, the latest that is due starts now. */
  fromMs?: number;
  runRound: (roundMs: number) => Promise<void>;
  clock: Clock;
  sleep: Sleep;
  signal: AbortSignal;
  logger: Logger;
  meter: Meter;
  /** At each turn of the loop, at least every half minute: the scheduler is alive. */
  onTurn?: () => void;
}): Promise<number> {
  const { tickMs, offsetMs, fromMs, runRound, clock, sleep, signal, logger, meter } = options;
  let running: Promise<void> | undefined;
  let next = nextRoundMs(clock.nowMs() - offsetMs, tickMs);
  if (fromMs !== undefined && next - tickMs >= fromMs) next -= tickMs;
  while (!signal.aborted) {
    options.onTurn?.();
    const waitMs = next + offsetMs - clock.nowMs();
    if (waitMs > 0) {
      await sleep(Math.min(waitMs, LONGEST_SLEEP_MS), signal);
      const aheadMs = next + offsetMs - clock.nowMs();
      if (aheadMs > tickMs + LONGEST_SLEEP_MS) {
        meter.count('clock_set_back_total');
        const until = new Date(next).toISOString();
        logger.warn('the clock was set back; rounds up to the last one are not repeated', {
          until,
        });
        next = nextRoundMs(clock.nowMs() - offsetMs, tickMs);
      }
      continue;
    }
    const missed = Math.floor((clock.nowMs() - offsetMs - next) / tickMs);
    if (missed > 0) skip(missed, 'the process was asleep or too busy', next);
    const roundMs = next + missed * tickMs;
    if (running) skip(1, 'the round before it still runs', roundMs);
    else {
      running = runRound(roundMs)
        .catch((error: unknown) => logger.error('round failed', { error: String(error) }))
        .finally(() => {
          running = undefined;
        });
    }
    next = roundMs + tickMs;
  }
  await running;
  return next;

  function skip(count: number, why: string, roundMs: number) {
    meter.count('rounds_skipped_total', {}, count);
    logger.warn('round skipped', { count, why, round: new Date(roundMs).toISOString() });
  }
}
