import type { Channel, SampleStore, StateStore } from '../core/ports.ts';

const queue: (() => void)[] = [];

/**
 * Resolves in a turn of the event loop that nobody else was given here: of a hundred pieces of work that begin together
 * each waits for its own, and between two of them timers, sockets and requests have theirs. First come, first served.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    queue.push(resolve);
    if (queue.length === 1) setImmediate(takeTurn);
  });
}

function takeTurn(): void {
  queue[0]?.();
  queue.shift();
  if (queue.length > 0) setImmediate(takeTurn);
}

/** The channel, each of whose messages is put together in a turn of its own. */
export function inTurns(channel: Channel): Channel {
  return {
    ...channel,
    async send(...message) {
      await nextTurn();
      return await channel.send(...message);
    },
  };
}

/** State on this machine: each call works on disk, and has a turn of its own. */
export function stateInTurns(state: StateStore): StateStore {
  return { ...turnwise(state), counters: turnwise(state.counters) };
}

/** Samples, likewise: a hundred messages ask for values at once. */
export function storeInTurns(store: SampleStore): SampleStore {
  return turnwise(store);
}

function turnwise<T extends object>(calls: T): T {
  const turned = Object.entries(calls).map(([name, call]) => [
    name,
    typeof call === 'function'
      ? async (...args: unknown[]) => {
          await nextTurn();
          return await call(...args);
        }
      : call,
  ]);
  return Object.fromEntries(turned) as T;
}
