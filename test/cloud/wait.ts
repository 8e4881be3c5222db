import { setTimeout as delay } from 'node:timers/promises';

/**
 * How a function waits: nothing else happens meanwhile, so `pass` may move the clock. Without `pass` it waits in real
 * time.
 */
export function createWait(pass: ((ms: number) => void) | undefined) {
  return async (ms: number, signal: AbortSignal): Promise<void> => {
    if (!pass) return delay(ms, undefined, { signal }).catch(() => undefined);
    // Gives the other side of a race its turns to end first.
    for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => setImmediate(resolve));
    if (!signal.aborted) pass(ms);
  };
}
