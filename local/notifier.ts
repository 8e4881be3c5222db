import { describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { type DeliverPorts, deliverDue } from '../core/stages/deliver.ts';
import { groupTransitions } from '../core/stages/group.ts';
import { reconcileIncidents } from '../core/stages/reconcile.ts';
import type { Sleep } from './clock.ts';

export interface Notifier {
  /** Something may be due: starts a pass now. */
  wake(): void;
  /** Ends when the current sends are recorded, or were cut off after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** The notifier reads the outbox this often even if nothing woke it. */
const SWEEP_MS = 5_000;
/** The pause after a failed pass doubles each time. No wake-up shortens it, so that the log's `pauseMs` is true. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** The pause between passes that each leave something due. */
const LEAST_PAUSE_MS = 20;
/** A clock that goes back by less delays a message by less. */
const SET_BACK_MS = 5_000;
/** Longer sends continue beside the next pass; their leases keep it away from them. */
const PASS_MS = 500;

export interface NotifierPorts extends DeliverPorts {
  sleep: Sleep;
  /** Called after each pass: how many in a row have failed, and the last error. */
  onPass?: (failures: number, error?: unknown) => void;
}

/**
 * Groups and delivers when woken, when the next incident is due, and every few seconds. It runs independently of
 * rounds, so a slow chat service delays none.
 */
export function startNotifier(config: Config, ports: NotifierPorts): Notifier {
  const cut = new AbortController();
  const stopping = new AbortController();
  let alone = true;
  /** The time of the last pass. */
  let latestMs = -Infinity;
  let awake = new AbortController();
  let failures = 0;
  /** How many of `failures` were followed by a pause. */
  let paused = 0;
  const sending = new Set<Promise<unknown>>();

  /** Runs each stage once. Returns for how long nothing is due. */
  async function pass(): Promise<number> {
    const before = failures;
    let hasFailed = false;
    const fail = (error: unknown) => {
      if (!hasFailed) failed(error);
      hasFailed = true;
    };
    try {
      await groupTransitions(config, ports);
      // The first pass also resumes the sends that the last process did not finish.
      const nowMs = ports.clock.nowMs();
      await reconcileIncidents(config, ports, { alone, setBack: nowMs < latestMs - SET_BACK_MS });
      latestMs = nowMs;
      alone = false;
      const delivered: Promise<void> = deliverDue(config, ports, cut.signal)
        .then(() => undefined, fail)
        .finally(() => sending.delete(delivered));
      sending.add(delivered);
      const isOver = new AbortController();
      await Promise.race([delivered, ports.sleep(PASS_MS, isOver.signal)]);
      isOver.abort();
      const next = await ports.state.nextDueMs();
      // Its sends may take longer than the next passes, of which one may have failed.
      void delivered.then(() => {
        if (!hasFailed && failures === before) passed();
      });
      return Math.min(SWEEP_MS, Math.max(LEAST_PAUSE_MS, (next ?? Infinity) - ports.clock.nowMs()));
    } catch (error) {
      fail(error);
      return 0;
    }
  }

  function passed(): void {
    failures = 0;
    paused = 0;
    ports.onPass?.(0);
  }

  function failed(error: unknown): void {
    failures++;
    ports.meter.count('notify_failures_total');
    ports.logger.error('notify failed; it is tried again', {
      error: describeError(error),
      inARow: failures,
      pauseMs: pauseMs(failures),
    });
    ports.onPass?.(failures, error);
    // A send that takes longer than its pass may fail while nothing else is due for long.
    awake.abort();
  }

  async function pause(): Promise<void> {
    while (failures > paused && !stopping.signal.aborted) {
      paused = failures;
      await ports.sleep(pauseMs(failures), stopping.signal);
    }
  }

  const loop = (async () => {
    while (!stopping.signal.aborted) {
      if (awake.signal.aborted) awake = new AbortController();
      const waking = awake;
      const waitMs = await pass();
      if (failures === paused) await ports.sleep(waitMs, waking.signal);
      await pause();
    }
  })();

  return {
    wake: () => awake.abort(),
    async stop(graceMs) {
      stopping.abort();
      awake.abort();
      const timer = setTimeout(() => cut.abort(), graceMs);
      await loop;
      await Promise.allSettled(sending);
      clearTimeout(timer);
    },
  };
}

function pauseMs(failures: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10));
}
