/** Lets timers and other requests of the process run: reads of an embedded store do not wait by themselves. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
