import type { Heartbeat } from '../adapters/heartbeat/heartbeat.ts';
import { describeError } from '../core/errors.ts';
import { holdsHeartbeat } from '../core/health.ts';
import type { Logger, Meter } from '../core/ports.ts';
import type { Faults } from './faults.ts';
import type { Health } from './health.ts';

/** The scheduler runs at least every half minute; on a busy machine it may be later. */
const STUCK_AFTER_MS = 120_000;
/** How many passes may fail in a row: one may conflict with another writer. */
const FAILING_PASSES = 3;

/** Whether the scheduler runs, by a clock that nobody sets. */
export function createPulse(nowMs: () => number = () => performance.now()) {
  let turnedAtMs = nowMs();
  return {
    beat(): void {
      turnedAtMs = nowMs();
    },
    /** Why the process should be restarted; undefined while it works. */
    stuck(): string | undefined {
      const sinceMs = nowMs() - turnedAtMs;
      return sinceMs > STUCK_AFTER_MS
        ? `the scheduler has not run for ${Math.round(sinceMs / 1000)} s`
        : undefined;
    },
  };
}

/** Sends the heartbeat after a round, unless alerts cannot be sent: then somebody must notice. */
export function beatIfHealthy(
  heartbeat: Heartbeat,
  health: Health,
  { meter, logger }: { meter: Meter; logger: Logger },
): void {
  const rounds = health.reasons.find(({ code }) => code === 'round-failed' || code === 'rounds-missing');
  const held = rounds ?? holdsHeartbeat(health);
  if (!held) return void heartbeat.beat();
  meter.count('heartbeats_total', { outcome: 'withheld' });
  logger.warn('no heartbeat: alerts may not be sent', {
    code: held.code,
    why: held.words,
    detail: held.detail,
  });
}

/** Failing passes of the notifier become a fault. */
export function createPassFaults(faults: Faults): (failures: number, error?: unknown) => void {
  return (failures, error) => {
    if (failures === 0) return faults.clear('notify-failing');
    if (failures < FAILING_PASSES) return;
    faults.raise({
      kind: 'reason',
      code: 'notify-failing',
      words: `nothing is sent: the last ${failures} passes of notify failed`,
      detail: describeError(error),
    });
  };
}
