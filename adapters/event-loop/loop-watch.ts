/** A tick that is later than this means that the loop was blocked. */
const BLOCKED_MS = 10;
const TICK_MS = 10;
/** Events this soon after a block passed several stages of ours or the kernel's, so they waited for it too. */
const AFTER_MS = 10;

/** Measures how long this thread's event loop was blocked, which would otherwise count as time of the other side. */
export interface LoopWatch {
  /**
   * A monotonic clock in milliseconds that stops while the loop is blocked, so that a difference of two readings is the time
   * that the other side took. Valid between `start` and the call of the function that it returns.
   */
  nowMs(): number;
  /** How long the event that is handled now may have waited because the loop was blocked when it came. */
  waitedMs(): number;
  /** Watches until the returned function is called. Watches may overlap. */
  start(): () => void;
}

export function createLoopWatch(): LoopWatch {
  let watches = 0;
  let timer: NodeJS.Timeout | undefined;
  let tickedMs = 0;
  /** Sum over the ticks so far. */
  let blockedMs = 0;
  /** The last block. Events that came meanwhile are handled in the same turn of the loop as the tick that found it. */
  let justBlockedMs = 0;
  let justUntilMs = 0;

  /** The block since the last tick, for events that are handled before the next tick. */
  function pendingMs(atMs: number): number {
    if (watches === 0) return 0;
    const lateMs = atMs - tickedMs - TICK_MS;
    return lateMs > BLOCKED_MS ? lateMs : 0;
  }

  function tick(): void {
    const atMs = performance.now();
    const lateMs = pendingMs(atMs);
    tickedMs = atMs;
    if (lateMs === 0) return;
    blockedMs += lateMs;
    justBlockedMs = lateMs;
    justUntilMs = Number.POSITIVE_INFINITY;
    setImmediate(() => {
      justUntilMs = performance.now() + AFTER_MS;
    });
  }

  return {
    nowMs() {
      const atMs = performance.now();
      return atMs - blockedMs - pendingMs(atMs);
    },
    waitedMs() {
      const atMs = performance.now();
      return (atMs < justUntilMs ? justBlockedMs : 0) + pendingMs(atMs);
    },
    start() {
      if (watches++ === 0) {
        tickedMs = performance.now();
        timer = setInterval(tick, TICK_MS).unref();
      }
      let over = false;
      return () => {
        if (over) return;
        over = true;
        // Readings taken before and after this point must not differ by the pending block.
        blockedMs += pendingMs(performance.now());
        tickedMs = performance.now();
        if (--watches === 0) clearInterval(timer);
      };
    },
  };
}

/** Each thread has one event loop. */
export const loopWatch = createLoopWatch();
