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
const AFTER_ERROR_MS = 1_000;
/** Sends that take longer go on beside the next pass; their leases keep it from them. */
const PASS_MS = 500;

/**
 * Sends what is due whenever woken, when the next thing is due, and every few seconds. Apart from rounds: a slow
 * chat service delays none.
 */
export function startNotifier(config: Config, ports: DeliverPorts & { sleep: Sleep }): Notifier {
  const cut = new AbortController();
  let stopping = false;
  let alone = true;
  let awake = new AbortController();
  const sending = new Set<Promise<unknown>>();

  async function pass(): Promise<number> {
    await fanOut(config, ports);
    // The first pass also takes over what the last process was sending when it ended.
    await reconcileIncidents(config, ports, { alone });
    alone = false;
    const delivered = deliverDue(config, ports, cut.signal).finally(() => sending.delete(delivered));
    sending.add(delivered);
    delivered.catch(failed);
    const passed = new AbortController();
    await Promise.race([delivered.catch(() => undefined), ports.sleep(PASS_MS, passed.signal)]);
    passed.abort();
    const next = await ports.state.nextDueMs();
    return Math.min(SWEEP_MS, Math.max(0, (next ?? Infinity) - ports.clock.nowMs()));
  }

  function failed(error: unknown): void {
    ports.meter.count('notify_failures_total');
    ports.logger.error('notify failed; it is tried again', { error: describeError(error) });
  }

  const loop = (async () => {
    while (!stopping) {
      const waking = awake;
      let waitMs = AFTER_ERROR_MS;
      try {
        waitMs = await pass();
      } catch (error) {
        failed(error);
      }
      await ports.sleep(waitMs, waking.signal);
      if (waking.signal.aborted) awake = awake === waking ? new AbortController() : awake;
    }
  })();

  return {
    wake: () => awake.abort(),
    async stop(graceMs) {
      stopping = true;
      awake.abort();
      const timer = setTimeout(() => cut.abort(), graceMs);
      await loop;
      await Promise.allSettled(sending);
      clearTimeout(timer);
    },
  };
}
