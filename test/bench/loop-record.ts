// Measures how long the event loop of this process was blocked: by the wall clock, and by the CPU time of this thread.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const TICK_MS = 1;

export interface LoopRecord {
  /** The longest time without a turn. On a busy machine other processes cause a part of it. */
  blockedMs: number;
  /** The longest time that this thread worked in one turn. */
  workedMs: number;
}

/** Measures until the returned function is called. */
export function recordLoop(): () => LoopRecord {
  const delay = monitorEventLoopDelay({ resolution: TICK_MS });
  delay.enable();
  let [workedMs, lateMs] = [0, 0];
  let before = process.threadCpuUsage();
  let beforeMs = performance.now();
  // A second timer of our own: the timers of the library may run while those of JavaScript wait.
  const timer = setInterval(() => {
    const nowMs = performance.now();
    lateMs = Math.max(lateMs, nowMs - beforeMs - TICK_MS);
    beforeMs = nowMs;
    const { user, system } = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    workedMs = Math.max(workedMs, (user + system) / 1e3);
  }, TICK_MS);
  return () => {
    delay.disable();
    clearInterval(timer);
    return { blockedMs: Math.max(delay.max / 1e6, lateMs), workedMs };
  };
}
