// How many queries run at once, in all and for one caller.

export interface AdmissionLimits {
  atOnce: number;
  /** For one caller, so that others get their turn. */
  ofOne: number;
  /** How many may wait, in all and of one caller; further ones are refused. */
  waiting: number;
  waitingOfOne: number;
}

export interface Admission {
  /**
   * Resolves when the caller may begin, to what ends its turn; undefined when too many wait already.
   * @throws the reason of the signal
   */
  enter(caller: string, signal: AbortSignal): Promise<(() => void) | undefined>;
}

interface Waiting {
  caller: string;
  begin(): void;
}

/** Turns go to whoever waits longest among those who have fewer than they may. */
export function createAdmission(limits: () => AdmissionLimits): Admission {
  const running = new Map<string, number>();
  const waiting: Waiting[] = [];
  let all = 0;

  const mayBegin = (caller: string) => all < limits().atOnce && (running.get(caller) ?? 0) < limits().ofOne;

  function begin(caller: string): () => void {
    all++;
    running.set(caller, (running.get(caller) ?? 0) + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      all--;
      const left = (running.get(caller) ?? 1) - 1;
      if (left > 0) running.set(caller, left);
      else running.delete(caller);
      beginNext();
    };
  }

  function beginNext(): void {
    for (;;) {
      const at = waiting.findIndex(({ caller }) => mayBegin(caller));
      const [next] = at < 0 ? [] : waiting.splice(at, 1);
      if (!next) return;
      next.begin();
    }
  }

  return {
    async enter(caller, signal) {
      signal.throwIfAborted();
      if (mayBegin(caller)) return begin(caller);
      const mine = waiting.filter((one) => one.caller === caller).length;
      if (waiting.length >= limits().waiting || mine >= limits().waitingOfOne) return undefined;
      const { promise, resolve, reject } = Promise.withResolvers<() => void>();
      const one: Waiting = {
        caller,
        begin() {
          signal.removeEventListener('abort', leave);
          resolve(begin(caller));
        },
      };
      const leave = () => {
        waiting.splice(waiting.indexOf(one), 1);
        reject(signal.reason);
      };
      waiting.push(one);
      signal.addEventListener('abort', leave, { once: true });
      return await promise;
    },
  };
}
