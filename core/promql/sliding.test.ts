import { expect, it } from 'vitest';
import { quantile } from './quantile.ts';
import { slidingQuantile } from './sliding.ts';

const CASES = [0, -0, Number.NaN, Infinity, -Infinity, 1, -2.5];

/** Values in no order, the same in each run. */
function valuesOf(count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => (i % 11 < 7 ? CASES[i % 7]! : (i * 7919) % 1009));
}

it.each([
  { width: 40, step: 3 },
  { width: 40, step: 50 },
  { width: 1500, step: 1 },
  { width: 1500, step: 400 },
  { width: 1500, step: 700 },
])(
  'quantiles of windows of $width values, $step further each time, are those of each window alone',
  ({ width, step }) => {
    const values = valuesOf(3000);
    const compute = slidingQuantile({ labels: {}, times: values, values });
    const found: unknown[] = [];
    const wanted: unknown[] = [];
    for (let from = 0; from + width <= values.length; from += step) {
      const times = { startMs: 0, endMs: 0, timeMs: 0 };
      found.push(compute({ from, to: from + width, parameter: 0.4, ...times }));
      wanted.push(quantile(0.4, values.slice(from, from + width)));
    }
    expect(found).toEqual(wanted);
  },
);

it('the quantile of a long window takes about as long as sorting it', () => {
  const values = Float64Array.from({ length: 200_000 }, (_, i) => (i * 7919) % 104_729);
  const window = { from: 0, to: values.length, startMs: 0, endMs: 0, timeMs: 0, parameter: 0.5 };
  const timeOf = (work: () => void) => {
    const times = [1, 2, 3].map(() => {
      const startMs = performance.now();
      work();
      return performance.now() - startMs;
    });
    return Math.min(...times);
  };
  const sortedMs = timeOf(() => values.slice().sort());
  const quantileMs = timeOf(() => slidingQuantile({ labels: {}, times: values, values })(window));
  expect(quantileMs).toBeLessThan(15 * sortedMs);
});
