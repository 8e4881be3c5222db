// Functions that take time: as many calls at once as there are connections, each for as long as its batch takes.
interface Held {
  untilMs: number;
  release: () => void;
  call: Promise<unknown>;
}

export function createConnections(most: number) {
  const held = new Set<Held>();
  /** Of the call that is being made: resolves once it holds its connection. */
  let holds: ((one: Omit<Held, 'call'>) => void) | undefined;
  return {
    /** In a call: goes on at that time. */
    hold(untilMs: number): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      holds?.({ untilMs, release: resolve });
      return promise;
    },
    /** Makes a call if a connection is free; whether there was something to do. */
    async use(call: () => Promise<boolean>): Promise<boolean> {
      if (held.size >= most) return false;
      const begun = new Promise<Omit<Held, 'call'>>((resolve) => {
        holds = resolve;
      });
      const done = call();
      const outcome = await Promise.race([done, begun]);
      holds = undefined;
      if (typeof outcome === 'boolean') return outcome;
      held.add({ ...outcome, call: done });
      return true;
    },
    nextMs: () => Math.min(...[...held].map(({ untilMs }) => untilMs)),
    /** Lets those calls end whose time has come. */
    async release(nowMs: number): Promise<void> {
      for (const one of [...held].filter(({ untilMs }) => untilMs <= nowMs)) {
        one.release();
        await one.call;
        held.delete(one);
      }
    },
  };
}
