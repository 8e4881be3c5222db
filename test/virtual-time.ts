import type { Clock } from '../core/ports.ts';
import type { Sleep } from '../local/clock.ts';

/** A clock that moves only when somebody sleeps or calls `advance`; sleepers wake in order of time. */
export interface VirtualTime {
  clock: Clock;
  sleep: Sleep;
  /** Moves to `untilMs`, and wakes sleepers on the way, each with time to react. */
  advanceTo(untilMs: number): Promise<void>;
  /** Sets the clock without waking anybody, as an operator or NTP does. */
  jumpTo(ms: number): void;
}

export function createVirtualTime(startMs: number): VirtualTime {
  let now = startMs;
  const sleepers = new Set<{ atMs: number; wake: () => void }>();
  const settle = async () => {
    for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => setImmediate(resolve));
  };
  return {
    clock: { nowMs: () => now },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const sleeper = { atMs: now + Math.max(0, ms), wake: () => {} };
        sleeper.wake = () => {
          sleepers.delete(sleeper);
          signal.removeEventListener('abort', sleeper.wake);
          resolve();
        };
        signal.addEventListener('abort', sleeper.wake);
        sleepers.add(sleeper);
      }),
    async advanceTo(untilMs) {
      await settle();
      for (;;) {
        const next = [...sleepers].sort((a, b) => a.atMs - b.atMs)[0];
        if (!next || next.atMs > untilMs) break;
        now = Math.max(now, next.atMs);
        next.wake();
        await settle();
      }
      now = Math.max(now, untilMs);
    },
    jumpTo(ms) {
      const by = ms - now;
      now = ms;
      // Sleeps use the monotonic clock, so a jump changes no waking time.
      for (const sleeper of sleepers) sleeper.atMs += by;
    },
  };
}
