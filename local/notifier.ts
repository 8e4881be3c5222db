import type { Config } from '../core/config/types.ts';
import { describeError } from '../core/errors.ts';
import { type DeliverPorts, deliverDue } from '../core/stages/deliver.ts';
import { fanOut } from '../core/stages/fan-out.ts';
import { reconcileIncidents } from '../core/stages/reconcile.ts';
import type { Sleep } from './clock.ts';

export interface Notifier {
  /** Something may be due: look now. */
  wake(): void;
  /** Ends when what is being sent has been recorded, or was cut off after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** Looks at the outbox this often even if nothing woke it. */
const SWEEP_MS = 5_000;
/** Passes that fail pause, doubling, whatever wakes them: what the log says of it holds. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** Between passes of which each leaves something due. */
const LEAST_PAUSE_MS = 20;
/** Sends that take longer go on beside the next pass; their leases keep it from them. */
const PASS_MS = 500;

export interface NotifierPorts extends DeliverPorts {
  sleep: Sleep;
  /** After each pass: how many in a row have failed by now, and of what the last. */
  onPass?: (failures: number, error?: unknown) => void;
}

/**
 * Sends what is due whenever woken, when the next thing is due, and every few seconds. Apart from rounds: a slow
 * chat service delays none.
 */
export function startNotifier(config: Config, ports: NotifierPorts): Notifier {
  const cut = new AbortController();
  const stopping = new AbortController();
  let alone = true;
  let awake = new AbortController();
  let failures = 0;
  /** Of `failures`, those that were paused for. */
  let paused = 0;
  const sending = new Set<Promise<unknown>>();

  /** One look at all stages; it has passed when each of them has. Returns how long nothing is due. */
  async function pass(): Promise<number> {
    const before = failures;
    let hasFailed = false;
    const fail = (error: unknown) => {
      if (!hasFailed) failed(error);
      hasFailed = true;
    };
    try {
      await fanOut(config, ports);
      // The first pass also takes over what the last process was sending when it ended.
      await reconcileIncidents(config, ports, { alone });
      alone = false;
      const delivered: Promise<void> = deliverDue(config, ports, cut.signal)
        .then(() => undefined, fail)
        .finally(() => sending.delete(delivered));
      sending.add(delivered);
      const isOver = new AbortController();
      await Promise.race([delivered, ports.sleep(PASS_MS, isOver.signal)]);
      isOver.abort();
      const next = await ports.state.nextDueMs();
      // What it sends may take longer than the passes after it, of which one may have failed.
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
    // Also what was still being sent may fail, while nothing is due for long.
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
