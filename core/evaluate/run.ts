import type { Run } from './model.ts';

/** A gap longer than the duration asked for and than this many intervals breaks a run. */
const GAP_INTERVALS = 3;

/** The run with one more sample; a new one when there is none or the gap since its last is too long. */
export function extendRun(run: Run | undefined, atMs: number, durationMs: number, intervalMs: number): Run {
  if (!run || atMs - run.lastMs > Math.max(durationMs, GAP_INTERVALS * intervalMs)) {
    return { firstMs: atMs, lastMs: atMs, samples: 1 };
  }
  run.lastMs = atMs;
  run.samples++;
  return run;
}

/**
 * Whether the run spans the duration with at least half of the samples expected between its ends, both counted: a
 * gap neither breaks nor completes a run.
 */
export function isHeld(run: Run, durationMs: number, intervalMs: number): boolean {
  const spanMs = run.lastMs - run.firstMs;
  return spanMs >= durationMs && 2 * run.samples >= Math.floor(spanMs / intervalMs) + 1;
}
