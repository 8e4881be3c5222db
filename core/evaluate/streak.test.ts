import { describe, expect, it } from 'vitest';
import { coversDuration, extendStreak } from './streak.ts';

const MINUTE = 60_000;

const extended = (gapMs: number, durationMs: number) =>
  extendStreak({ firstMs: 0, lastMs: 5 * MINUTE, samples: 6 }, 5 * MINUTE + gapMs, durationMs, MINUTE);

describe('a streak of samples', () => {
  it('begins with one sample', () => {
    expect(extendStreak(undefined, 7, 0, MINUTE)).toEqual({ firstMs: 7, lastMs: 7, samples: 1 });
  });

  it.each([
    ['three intervals, whatever the duration', 3 * MINUTE, MINUTE],
    ['the duration, where that is longer', 10 * MINUTE, 10 * MINUTE],
  ])('goes on over a gap of %s', (_what, gapMs, durationMs) => {
    const streak = extended(gapMs, durationMs);
    expect(streak).toEqual({ firstMs: 0, lastMs: 5 * MINUTE + gapMs, samples: 7 });
    const atMs = 5 * MINUTE + gapMs + 1;
    expect(extended(gapMs + 1, durationMs)).toEqual({ firstMs: atMs, lastMs: atMs, samples: 1 });
  });

  it.each([
    ['all samples of five minutes', 6, 5 * MINUTE, true],
    ['half of them', 3, 5 * MINUTE, true],
    ['fewer than half', 2, 5 * MINUTE, false],
    ['half of an odd number, rounded up', 4, 6 * MINUTE, true],
    ['less than half of an odd number', 3, 6 * MINUTE, false],
    ['many samples of a shorter time', 60, 5 * MINUTE - 1, false],
    ['a time that is not yet a whole interval more', 3, 6 * MINUTE - 1, true],
  ])('covers five minutes, or not: %s', (_what, samples, spanMs, covers) => {
    const streak = { firstMs: 1_000, lastMs: 1_000 + spanMs, samples };
    expect(coversDuration(streak, 5 * MINUTE, MINUTE)).toBe(covers);
  });

  it('covers no time with its first sample', () => {
    expect(coversDuration({ firstMs: 7, lastMs: 7, samples: 1 }, 0, MINUTE)).toBe(true);
  });
});
