import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeSpans } from './timeline.ts';

const RANGE = { fromMs: 100, toMs: 200 };
const span = fc
  .tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 80 }))
  .map(([fromMs, ms]) => ({ fromMs, toMs: fromMs + ms }));

describe('spans of a timeline', () => {
  it('are cut to the range, and one where they are closer than can be seen', () => {
    const spans = [
      { fromMs: 150, toMs: 160 },
      { fromMs: 90, toMs: 110 },
      { fromMs: 162, toMs: 250 },
      { fromMs: 20, toMs: 60 },
    ];
    expect(mergeSpans(spans, RANGE, 2)).toEqual([
      { fromMs: 100, toMs: 110 },
      { fromMs: 150, toMs: 200 },
    ]);
    expect(mergeSpans(spans, RANGE, 1)).toHaveLength(3);
  });

  it('cover what they covered, and are as few as the range has room for', () => {
    fc.assert(
      fc.property(fc.array(span), (spans) => {
        const merged = mergeSpans(spans, RANGE, 10);
        expect(merged.length).toBeLessThanOrEqual(11);
        for (let ms = 100; ms <= 200; ms++) {
          const covers = (one: { fromMs: number; toMs: number }) => one.fromMs <= ms && ms <= one.toMs;
          if (spans.some(covers)) expect(merged.some(covers)).toBe(true);
          else if (merged.some(covers)) expect(nearest(spans, ms)).toBeLessThanOrEqual(10);
        }
      }),
    );
  });
});

function nearest(spans: readonly { fromMs: number; toMs: number }[], ms: number): number {
  return Math.min(...spans.map(({ fromMs, toMs }) => Math.max(fromMs - ms, ms - toMs, 0)));
}
