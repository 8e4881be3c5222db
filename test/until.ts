import { setTimeout as sleep } from 'node:timers/promises';
import { scaledMs } from './machine-speed.ts';

const LIMIT_MS = 60_000;

/** Waits until `holds`. @throws Error with `what` and `seen` if that never happens */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  { everyMs = 50, seen }: { everyMs?: number; seen?: () => string } = {},
): Promise<void> {
  for (const startMs = performance.now(); !(await holds()); await sleep(everyMs)) {
    // Load that comes meanwhile extends the limit.
    if (performance.now() - startMs < scaledMs(LIMIT_MS)) continue;
    throw new Error(`never: ${what}${seen ? `; ${seen()}` : ''}`);
  }
}
