// When the scheduler starts rounds.
import { hashNumber } from '../../core/hash.ts';

const MINUTE = 60_000;

/** Undefined: rounds start on the minute, which no scheduler promises. */
let spread: string | ((roundMs: number) => number) | undefined;

/**
 * From now on rounds start anywhere in their minute, as with EventBridge Scheduler; the same seed gives the same
 * starts. A function returns for each round how many ms after its scheduled time it starts.
 */
export function spreadStarts(how: typeof spread): void {
  spread = how;
}

function lateMs(roundMs: number): number {
  if (spread === undefined) return 0;
  return typeof spread === 'function' ? spread(roundMs) : hashNumber(`${spread}/${roundMs}`) % MINUTE;
}

/** How long after its start a round is evaluated; the cross-cluster shard comes after the others. */
export const EVALUATED_MS = { part: 30_000, fleet: 45_000 };

export interface Starts {
  /** When the scheduler starts or started the round. */
  startOf(roundMs: number): number;
  /** The newest round that started at least `agoMs` before, in minutes from the first round. */
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

/** Other work on the machine does not count. */
export function cpuMsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}
