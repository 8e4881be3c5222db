import { setTimeout as delay } from 'node:timers/promises';

/** How a function waits in place: nothing else happens then, so that `pass` may move the clock. Without it, in real time. */
export function createWait(pass: ((ms: number) => void) | undefined) {
  return async (ms: number, signal: AbortSignal): Promise<void> => {
    if (!pass) return delay(ms, undefined, { signal }).catch(() => undefined);
    // What it races with has its time to end.
    for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => setImmediate(resolve));
    if (!signal.aborted) pass(ms);
  };
}
