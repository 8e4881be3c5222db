/** A tick that comes later than this after it was due found the loop blocked. */
const BLOCKED_MS = 10;
const TICK_MS = 10;
/** What comes so soon after a block goes through several hands of ours, or the kernel's, and has waited for it too. */
const AFTER_MS = 10;

/** How long this thread's event loop was blocked: what another has done meanwhile could not be seen, nor its time. */
export interface LoopWatch {
  /**
   * A clock in milliseconds that only moves on, and stands still while the loop is blocked: the difference of two of its
   * times is how long the other side took. True between `start` and the call of what that returns.
   */
  nowMs(): number;
  /** How long what is handled now may have lain there, because the loop was blocked when it came. */
  waitedMs(): number;
  /** Watches until the returned function is called. Watches of several may overlap. */
  start(): () => void;
}

export function createLoopWatch(): LoopWatch {
  let watches = 0;
  let timer: NodeJS.Timeout | undefined;
  let tickedMs = 0;
  /** In ticks so far. */
  let blockedMs = 0;
  /** The last block; what came meanwhile is handled in the turn of the loop in which a tick found it, after that. */
  let justBlockedMs = 0;
  let justUntilMs = 0;

  /** Since the last tick; what is handled before the next tick is seen late all the same. */
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
        // What is pending stays out of times that are still compared.
        blockedMs += pendingMs(performance.now());
        tickedMs = performance.now();
        if (--watches === 0) clearInterval(timer);
      };
    },
  };
}

/** There is one loop a thread. */
export const loopWatch = createLoopWatch();
