import type { Channel, SampleStore, StateStore } from '../../core/ports.ts';

const queue: (() => void)[] = [];

/**
 * Resolves in a turn of the event loop of its own: a hundred callers that start together run one per turn, in order, and
 * timers, sockets and requests run in between.
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

/** Does work that returns control after each part, and lets others have a turn there. */
export async function doInTurns<T>(parts: Generator<void, T, void>): Promise<T> {
  let part = parts.next();
  while (!part.done) {
    await nextTurn();
    part = parts.next();
  }
  return part.value;
}

/** A channel that renders each message in a turn of its own. */
export function channelInTurns(channel: Channel): Channel {
  return {
    ...channel,
    async send(...message) {
      await nextTurn();
      return await channel.send(...message);
    },
  };
}

/** A local state store that runs each call, which works on disk, in a turn of its own. */
export function stateInTurns(state: StateStore): StateStore {
  return { ...callsInTurns(state), counters: callsInTurns(state.counters) };
}

/** The same for samples: a hundred messages may query values at the same time. */
export function storeInTurns(store: SampleStore): SampleStore {
  return callsInTurns(store);
}

function callsInTurns<T extends object>(calls: T): T {
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
