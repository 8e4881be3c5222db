/** Slow items may raise the number under way to this multiple of the limit. */
const MAX_MULTIPLE = 4;

/**
 * Runs `work` on every item, at most `limit` at a time. An item that takes longer than `patienceMs` goes on without
 * counting, until four times the limit are under way. Resolves when all are done; rejects with what `work` throws.
 */
export async function forEachLimit<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
  patienceMs?: number,
): Promise<void> {
  const queue = items.values();
  const all: Promise<void>[] = [];
  let slow = 0;

  /** Resolves when the work is done, or has become slow. */
  function doneOrSlow(running: Promise<void>, patience: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let isSlow = false;
      const timer = setTimeout(() => {
        if (slow >= limit * (MAX_MULTIPLE - 1)) return;
        isSlow = true;
        slow++;
        resolve();
      }, patience);
      running.then(resolve, reject).finally(() => {
        clearTimeout(timer);
        if (isSlow) slow--;
      });
    });
  }

  const worker = async () => {
    for (const item of queue) {
      const running = work(item);
      if (patienceMs === undefined) await running;
      else {
        all.push(running);
        await doneOrSlow(running, patienceMs);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  await Promise.all(all);
}
