import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../core/ports.ts';

export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export const systemClock: Clock = { nowMs: () => Date.now() };

/** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
export const systemSleep: Sleep = async (ms, signal) => {
  await delay(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
};
