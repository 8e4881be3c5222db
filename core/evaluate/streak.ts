import type { Streak } from '../model/checkpoint.ts';

/** A gap longer than the duration asked for, and than this many intervals, breaks a streak. */
const GAP_INTERVALS = 3;

/** The streak with one more sample; a new streak where there is none, or where the gap since its last sample is too long. */
export function extendStreak(
  streak: Streak | undefined,
  atMs: number,
  durationMs: number,
  intervalMs: number,
): Streak {
  if (!streak || atMs - streak.lastMs > Math.max(durationMs, GAP_INTERVALS * intervalMs)) {
    return { firstMs: atMs, lastMs: atMs, samples: 1 };
  }
  streak.lastMs = atMs;
  streak.samples++;
  return streak;
}

/**
 * Whether the streak spans the duration with at least half of the samples expected between its ends, both counted: a
 * short gap neither breaks nor completes a streak.
 */
export function coversDuration(streak: Streak, durationMs: number, intervalMs: number): boolean {
  const spanMs = streak.lastMs - streak.firstMs;
  return spanMs >= durationMs && 2 * streak.samples >= Math.floor(spanMs / intervalMs) + 1;
}
