// When the scheduler starts rounds.
import { hashNumber } from '../../core/hash.ts';

const MINUTE = 60_000;

/** On the minute, as no scheduler promises, unless they are spread. */
let spread: string | ((roundMs: number) => number) | undefined;

/**
 * From now on rounds start anywhere in their minute, as EventBridge Scheduler does; the same seed, the same starts. A
 * function says how many ms after its scheduled time each round does.
 */
export function spreadStarts(how: typeof spread): void {
  spread = how;
}

function lateMs(roundMs: number): number {
  if (spread === undefined) return 0;
  return typeof spread === 'function' ? spread(roundMs) : hashNumber(`${spread}/${roundMs}`) % MINUTE;
}

/** How long after its start a round is evaluated: the cross-cluster shard after the others. */
export const EVALUATED_MS = { part: 30_000, fleet: 45_000 };

export interface Starts {
  /** When the scheduler starts the round, or did. */
  startOf(roundMs: number): number;
  /** The newest round that had been started so long ago, in minutes from the first. */
  roundAt(atMs: number, agoMs?: number): number;
}

export function createStarts(
  firstMs: number,
): Starts & { note(roundMs: number, atMs: number): void; lastMs(): number } {
  const started = new Map<number, number>();
  return {
    note: (roundMs, atMs) => void started.set(roundMs, atMs),
    startOf: (roundMs) => started.get(roundMs) ?? roundMs + lateMs(roundMs),
    roundAt(atMs, agoMs = 0) {
      const rounds = [...started].filter(([, startMs]) => startMs + agoMs <= atMs);
      return Math.max(0, ...rounds.map(([roundMs]) => (roundMs - firstMs) / MINUTE));
    },
    lastMs: () => Math.max(...started.values()),
  };
}
