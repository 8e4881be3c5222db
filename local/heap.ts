import { setFlagsFromString } from 'node:v8';

/**
 * After a collection V8 lets the heap grow by this share before the next one, instead of two or three times: what a round
 * leaves is garbage at its end, and memory that V8 once took for it hardly goes back to the system.
 */
const GROWTH_PERCENT = 20;

/** For a process that lasts. V8 reads this flag at each collection, so that it counts although the process has begun. */
export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
