// When the process of history runs: from the first request on, until nobody asks for a while.

import { describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { Logger, Meter } from '../core/ports.ts';
import type { Refusal } from '../history/interfaces.ts';
import type { Faults } from './faults.ts';
import type { HistoryAnswer, HistoryChild } from './history-child.ts';
import type { HistoryRequest } from './history-messages.ts';

export interface History {
  /** Never rejects but with the reason of the signal, which ends the query; see `HistoryChild`. */
  answer(request: HistoryRequest, signal: AbortSignal): Promise<HistoryAnswer | Refusal>;
  close(): void;
}

export interface HistoryHostOptions {
  start(config: Config, onDeath: (error: Error) => void): HistoryChild;
  /** In force, with the clusters of inventories. Equal ones are the same object. */
  config(): Config;
  faults: Faults;
  logger: Logger;
  meter: Meter;
}

/** Memory of a process that nobody needs goes back to the system. */
const IDLE_MS = 300_000;
/** A child that is so much later than a query may take is held up by one, and would never end it. */
const LATE_MS = 10_000;
/** After a failure; each further one doubles it. */
const PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

export function createHistoryHost({ start, config, faults, logger, meter }: HistoryHostOptions): History {
  let child: HistoryChild | undefined;
  let known: Config | undefined;
  let running = 0;
  let idle: NodeJS.Timeout | undefined;
  /** Failures since the last answer. */
  let failures = 0;
  let pausedUntilMs = 0;
  let isClosed = false;

  function fail(error: Error): void {
    child = undefined;
    failures++;
    pausedUntilMs = performance.now() + Math.min(LONGEST_PAUSE_MS, PAUSE_MS * 2 ** (failures - 1));
    meter.count('history_process_failures_total');
    const detail = describeError(error);
    logger.error('the process of history failed; it starts again with a later request', { error: detail });
    const words = 'the process that answers queries failed; monitoring and alerts go on';
    faults.raise({ kind: 'warning', code: 'history-failing', words, detail });
  }

  function childAtHand(): HistoryChild {
    const now = config();
    if (!child) {
      meter.count('history_process_starts_total');
      child = start(now, fail);
    } else if (now !== known) child.configure(now);
    known = now;
    return child;
  }

  /** What waits for that child is refused; the next request starts another. */
  function endLate(asked: HistoryChild, mostMs: number): void {
    const why = new Error(`a query held it up for more than ${mostMs / 1000} s`);
    asked.end(why.message);
    if (child === asked) fail(why);
  }

  function endIdle(): void {
    child?.end('nobody asked for a while');
    child = undefined;
  }

  function refusal(): Refusal | undefined {
    if (isClosed) return unavailable('this process stops; ask again soon', 5);
    const waitMs = pausedUntilMs - performance.now();
    if (waitMs <= 0) return undefined;
    return unavailable(
      'the process that answers queries failed, and starts again soon; the log says why',
      Math.ceil(waitMs / 1000),
    );
  }

  async function ask(request: HistoryRequest, signal: AbortSignal): Promise<HistoryAnswer | Refusal> {
    const asked = childAtHand();
    if (asked.isBehind()) return BEHIND;
    const mostMs = config().server.history.timeoutMs + LATE_MS;
    const late = setTimeout(() => endLate(asked, mostMs), mostMs);
    const isOnTime = () => clearTimeout(late);
    try {
      const answer = await asked.answer(request, signal);
      isOnTime();
      failures = 0;
      faults.clear('history-failing');
      return answer;
    } catch {
      // A client that loses patience does not say whether the child is held up.
      if (signal.aborted) asked.signOfLife().then(isOnTime, isOnTime);
      else isOnTime();
      // The host knows why already.
      signal.throwIfAborted();
      return ENDED;
    }
  }

  return {
    async answer(request, signal) {
      const refused = refusal();
      if (refused) return refused;
      clearTimeout(idle);
      running++;
      try {
        return await ask(request, signal);
      } finally {
        running--;
        if (running === 0) idle = setTimeout(endIdle, IDLE_MS).unref();
      }
    },
    close() {
      isClosed = true;
      clearTimeout(idle);
      endIdle();
    },
  };
}

function unavailable(message: string, retryAfterS: number): Refusal {
  return { status: 503, code: 'unavailable', message, retryAfterS };
}

const BEHIND = unavailable('the process that answers queries is held up; ask again soon', 5);
const ENDED = unavailable(
  'the process that answers queries ended while it worked on this; ask again, or for less at once',
  5,
);
