import { describe, expect, it } from 'vitest';
import { advanceWindow, type HistogramWindow, isHistogramWindow } from './histogram-window.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const START = 1_000 * MINUTE;

/** Feeds rounds, with what is kept as JSON in between. The first bucket counts the rounds, the second ten times as much. */
function feed(times: readonly number[], everyMs: number, counts: readonly number[] = times.map((_, i) => i)) {
  let kept: HistogramWindow | undefined;
  return times.map((atMs, i) => {
    const count = counts[i] ?? 0;
    const histogram = { bounds: [1, Number.POSITIVE_INFINITY], counts: [count, 10 * count] };
    const { increase, window } = advanceWindow(kept, histogram, { atMs: START + atMs, everyMs });
    const stored: unknown = JSON.parse(JSON.stringify(window));
    if (!isHistogramWindow(stored)) throw new Error('what is kept has another shape');
    kept = stored;
    return { increase: increase?.counts, readings: stored.readings.length };
  });
}

const every = (everyMs: number, count: number) => Array.from({ length: count }, (_, i) => i * everyMs);

describe('what was observed over five minutes', () => {
  it('is unknown in the first round, then what there is, then five minutes', () => {
    const seen = feed(every(MINUTE, 9), MINUTE);
    expect(seen.map(({ increase }) => increase?.[0])).toEqual([undefined, 1, 2, 3, 4, 5, 5, 5, 5]);
    expect(seen.at(-1)).toEqual({ increase: [5, 50], readings: 6 });
  });

  it.each([
    ['10 s', 10 * SECOND, 30, 33, 12],
    ['1 s', SECOND, 300, 330, 12],
    ['150 s', 150 * SECOND, 2, 2, 3],
    ['200 s', 200 * SECOND, 2, 2, 3],
    ['10 minutes', 10 * MINUTE, 1, 1, 2],
    ['an hour', 60 * MINUTE, 1, 1, 2],
  ])('with rounds every %s', (_, everyMs, least, most, readings) => {
    for (const { increase, readings: kept } of feed(every(everyMs, 1_000), everyMs).slice(400)) {
      expect(increase?.[0]).toBeGreaterThanOrEqual(least);
      expect(increase?.[0]).toBeLessThanOrEqual(most);
      expect(kept).toBeLessThanOrEqual(readings);
    }
  });

  it('begins anew when the counters do', () => {
    const seen = feed(every(MINUTE, 8), MINUTE, [100, 110, 120, 0, 5, 6, 7, 8]);
    expect(seen.map(({ increase }) => increase?.[0])).toEqual([undefined, 10, 20, undefined, 5, 6, 7, 8]);
  });

  it('spans an outage of ours that is short, and begins anew after a long one', () => {
    const seen = feed([0, MINUTE, 9 * MINUTE, 30 * MINUTE, 31 * MINUTE], MINUTE);
    expect(seen.map(({ increase }) => increase?.[0])).toEqual([undefined, 1, 1, undefined, 1]);
  });

  it('begins anew when our clock goes back, and ignores a round that is repeated', () => {
    const seen = feed([10 * MINUTE, 11 * MINUTE, 5 * MINUTE, 6 * MINUTE, 6 * MINUTE, 7 * MINUTE], MINUTE);
    expect(seen.map(({ increase }) => increase?.[0])).toEqual([undefined, 1, undefined, 1, 2, 3]);
  });

  it.each([
    null,
    1,
    [],
    {},
    { bounds: [1], readings: 1 },
    { bounds: [1], readings: [null] },
    { bounds: [1], readings: [{ atMs: 1, counts: [1] }] },
    { bounds: [1], readings: [{ atMs: 1.5, counts: [1, 2] }] },
    { bounds: [1], readings: [{ atMs: 1, counts: [1, null] }] },
    { bounds: ['1'], readings: [] },
    { bounds: [1], readings: Array(65).fill({ atMs: 1, counts: [1, 2] }) },
  ])('does not follow from %j', (value) => {
    expect(isHistogramWindow(value)).toBe(false);
  });
});
