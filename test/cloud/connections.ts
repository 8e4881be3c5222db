// Makes calls of a function take time: as many calls run at once as there are connections, each for the time of its
// batch.
interface Held {
  untilMs: number;
  release: () => void;
  call: Promise<unknown>;
}

export function createConnections(most: number) {
  const held = new Set<Held>();
  /** Resolves when the current call holds its connection. */
  let holds: ((one: Omit<Held, 'call'>) => void) | undefined;
  return {
    /** Lets the current call wait until that time. */
    hold(untilMs: number): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      holds?.({ untilMs, release: resolve });
      return promise;
    },
    /** Starts a call if a connection is free. Returns whether there was anything to do. */
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
    /** Ends the calls whose time has come. */
    async release(nowMs: number): Promise<void> {
      for (const one of [...held].filter(({ untilMs }) => untilMs <= nowMs)) {
        one.release();
        await one.call;
        held.delete(one);
      }
    },
  };
}
