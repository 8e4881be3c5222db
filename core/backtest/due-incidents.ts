/** Names by the time at which they are due, the earliest first. A name that is due at another time now is left out. */
export interface DueQueue {
  /** `atMs` undefined: it is not due any more. */
  set(name: string, atMs: number | undefined): void;
  /** The earliest, if it is due by then. */
  take(untilMs: number): { name: string; atMs: number } | undefined;
}

/** A binary heap: an incident is due anew with each message, and hundreds of them are open in a storm. */
export function createDueQueue(): DueQueue {
  const heap: { name: string; atMs: number }[] = [];
  const dueAt = new Map<string, number>();
  const at = (i: number) => heap[i]?.atMs ?? Infinity;
  const swap = (i: number, j: number) => {
    const one = heap[i] as (typeof heap)[number];
    heap[i] = heap[j] as (typeof heap)[number];
    heap[j] = one;
  };
  const removeFirst = () => {
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    heap[0] = last;
    for (let i = 0; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      const least = at(right) < at(left) ? right : left;
      if (at(least) >= at(i)) return;
      swap(i, least);
      i = least;
    }
  };
  return {
    set(name, atMs) {
      if (atMs === undefined) {
        dueAt.delete(name);
        return;
      }
      dueAt.set(name, atMs);
      heap.push({ name, atMs });
      for (let i = heap.length - 1; i > 0; ) {
        const parent = (i - 1) >> 1;
        if (at(parent) <= at(i)) break;
        swap(parent, i);
        i = parent;
      }
    },
    take(untilMs) {
      while (at(0) <= untilMs) {
        const first = heap[0] as (typeof heap)[number];
        removeFirst();
        if (dueAt.get(first.name) !== first.atMs) continue;
        dueAt.delete(first.name);
        return first;
      }
      return undefined;
    },
  };
}
