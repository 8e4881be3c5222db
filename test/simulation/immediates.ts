// Some code yields to the event loop (adapters/event-loop/turns.ts): virtual time must not advance before that code had
// its turns.
const own = globalThis.setImmediate;
let waiting = 0;

const counted = (callback: (...args: unknown[]) => void, ...args: unknown[]) => {
  waiting++;
  return own(() => {
    waiting--;
    callback(...args);
  });
};
globalThis.setImmediate = Object.assign(counted, own) as typeof setImmediate;

/** Resolves when nothing waits for a turn; code that had one may ask for the next. */
export async function allTurns(): Promise<void> {
  do await new Promise<void>((resolve) => own(resolve));
  while (waiting > 0);
}
