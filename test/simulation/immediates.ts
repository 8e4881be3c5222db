// Parts of ours take turns of the event loop (adapters/event-loop/turns.ts): virtual time must not go on before they had them.
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

/** Resolves once nobody waits for a turn, as one that was taken may ask for the next. */
export async function allTurns(): Promise<void> {
  do await new Promise<void>((resolve) => own(resolve));
  while (waiting > 0);
}
