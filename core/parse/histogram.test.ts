import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExposition } from './exposition.ts';
import { histogramOf, histogramQuantile, increaseBetween } from './histogram.ts';

const histogram = (bounds: readonly number[], counts: readonly number[]) => ({
  bounds: [...bounds, Number.POSITIVE_INFINITY],
  counts,
});

describe('a quantile', () => {
  // What `promtool test rules` of Prometheus 2.42 computes for `histogram_quantile(0.99, …)` and `(0.5, …)`.
  it.each([
    ['in the last finite bucket', [0.1, 0.2, 0.4], [10, 20, 30, 30], 0.394, 0.15],
    ['beyond all bounds', [0.1, 0.2, 0.4], [0, 0, 0, 5], 0.4, 0.4],
    ['in the first bucket', [0.1, 0.2, 0.4], [100, 100, 100, 100], 0.099, 0.05],
    ['at the end of a bucket', [0.1, 0.2, 0.4], [99, 99, 100, 100], 0.1, 0.0505050505050505],
    ['behind an empty bucket', [0.1, 0.2, 0.4], [98, 99, 99, 100], 0.2, 0.0510204081632653],
    ['in a first bucket below zero', [-1, 0, 1], [99, 99, 100, 100], -1, -1],
    ['of buckets that are not cumulative', [1, 2, 4], [10, 5, 30, 30], 3.97, 2.5],
    ['mostly beyond all bounds', [0.001, 0.002, 0.004, 0.008], [0, 3, 3, 9, 1000], 0.008, 0.008],
    ['of two buckets', [0.5], [7, 9], 0.5, 0.3214285714285714],
  ])('%s', (_, bounds, counts, p99, p50) => {
    expect(histogramQuantile(0.99, histogram(bounds, counts))).toBeCloseTo(p99, 12);
    expect(histogramQuantile(0.5, histogram(bounds, counts))).toBeCloseTo(p50, 12);
  });

  it('of nothing is unknown', () => {
    expect(histogramQuantile(0.99, histogram([1, 2], [0, 0, 0]))).toBeUndefined();
  });

  it('has at least its share of the observations at or below it, if they are spread evenly in their buckets', () => {
    const bucket = fc.tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: 50 }));
    fc.assert(
      fc.property(
        fc.array(bucket, { minLength: 1, maxLength: 12 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (steps, q) => {
          let bound = 0;
          let count = 0;
          const bounds = steps.map(([width]) => (bound += width));
          const counts = steps.map(([, more]) => (count += more));
          fc.pre(count > 0);
          const quantile = histogramQuantile(q, histogram(bounds, [...counts, count])) as number;
          // The distribution function that a histogram stands for: the inverse of the quantile.
          const below = bounds.reduce((sum, upper, i) => {
            const lower = bounds[i - 1] ?? 0;
            const share = Math.min(1, Math.max(0, (quantile - lower) / (upper - lower)));
            return sum + share * (steps[i]?.[1] ?? 0);
          }, 0);
          expect(below).toBeCloseTo(q * count, 6);
        },
      ),
    );
  });
});

describe('the buckets of a histogram', () => {
  const of = (text: string) => histogramOf(parseExposition(text, new Set(['h_bucket'])).samples, 'h_bucket');

  it('are ordered, and those of several label sets are summed', () => {
    const text = 'h_bucket{le="+Inf"} 9\nh_bucket{le="0.5"} 2\nh_bucket{le="1e-3"} 1\n';
    expect(of(text)).toEqual(histogram([0.001, 0.5], [1, 2, 9]));
    expect(of('h_bucket{x="1",le="1"} 1\nh_bucket{x="2",le="1.0"} 2\nh_bucket{le="+Inf"} 4\n')).toEqual(
      histogram([1], [3, 4]),
    );
  });

  it.each([
    ['none', ''],
    ['no infinite one', 'h_bucket{le="1"} 1\nh_bucket{le="2"} 1\n'],
    ['only the infinite one', 'h_bucket{le="+Inf"} 1\n'],
    ['a bound that is no number', 'h_bucket{le="one"} 1\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\n'],
    ['no bound', 'h_bucket 1\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\n'],
    ['a count that is no number', 'h_bucket{le="1"} NaN\nh_bucket{le="+Inf"} 1\n'],
    ['an infinite count', 'h_bucket{le="1"} 1\nh_bucket{le="+Inf"} +Inf\n'],
    ['a count below zero', 'h_bucket{le="1"} -1\nh_bucket{le="+Inf"} 1\n'],
    [
      'too many',
      `${Array.from({ length: 200 }, (_, i) => `h_bucket{le="${i}"} 1\n`).join('')}h_bucket{le="+Inf"} 1\n`,
    ],
  ])('are unknown with %s', (_, text) => {
    expect(of(text)).toBeUndefined();
  });

  it('increase, or begin anew', () => {
    const before = histogram([1, 2], [1, 2, 3]);
    expect(increaseBetween(before, histogram([1, 2], [4, 6, 8]))).toEqual(histogram([1, 2], [3, 4, 5]));
    expect(increaseBetween(before, histogram([1, 2], [0, 6, 8]))).toBeUndefined();
    expect(increaseBetween(before, histogram([1, 3], [4, 6, 8]))).toBeUndefined();
    expect(increaseBetween(before, histogram([1], [4, 6]))).toBeUndefined();
  });
});
