import type { Sleep } from '../../local/clock.ts';
import { allTurns } from './immediates.ts';

export const SECOND = 1_000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
/** A multiple of every interval between rounds. */
export const START = 480_000 * HOUR;

/** Time does not advance: some code repeats without a pause. */
export class SpinningError extends Error {
  override readonly name = 'SpinningError';
}

/**
 * Virtual time as a queue of sleepers. It advances to the next sleeper when no work is left, so that hours pass in the
 * time of their work, and equal seeds give equal runs.
 */
export interface Timeline {
  /** The time of a perfect clock, which messages, faults and answers use. */
  trueMs(): number;
  sleep: Sleep;
  /** Runs everything that happens until then. */
  runUntil(trueMs: number): Promise<void>;
}

/** The most steps at one moment; more means code that does not pause. */
const MOST_STEPS = 5_000;

interface Sleeper {
  atMs: number;
  order: number;
  wake: () => void;
}

export function createTimeline(startMs: number = START): Timeline {
  let now = startMs;
  let order = 0;
  const heap: Sleeper[] = [];
  const before = (a: Sleeper, b: Sleeper) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

  function push(sleeper: Sleeper): void {
    let i = heap.push(sleeper) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(sleeper, heap[parent] as Sleeper)) break;
      heap[i] = heap[parent] as Sleeper;
      i = parent;
    }
    heap[i] = sleeper;
  }

  function pop(): Sleeper | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Sleeper, heap[child] as Sleeper)) child++;
      if (!before(heap[child] as Sleeper, last)) break;
      heap[i] = heap[child] as Sleeper;
      i = child;
    }
    heap[i] = last;
    return first;
  }

  return {
    trueMs: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const wake = () => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        signal.addEventListener('abort', wake);
        push({ atMs: now + Math.max(0, ms), order: order++, wake });
      }),
    async runUntil(untilMs) {
      await allTurns();
      let steps = 0;
      for (let first = heap[0]; first && first.atMs <= untilMs; first = heap[0]) {
        pop();
        if (first.atMs > now) steps = 0;
        else if (++steps > MOST_STEPS)
          throw new SpinningError(`${MOST_STEPS} steps at ${new Date(now).toISOString()}`);
        now = Math.max(now, first.atMs);
        first.wake();
        await allTurns();
      }
      now = untilMs;
    },
  };
}
