import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addExactly, meanOf, roundedMean, roundedSum, sumOf as roundedSumOf } from './exact-sum.ts';
import { greatestOf, leastOf } from './extremes.ts';

const sumOf = (values: readonly number[]): number[] => {
  const sum: number[] = [];
  for (const value of values) addExactly(sum, value);
  return sum;
};

/** Doubles are whole multiples of the smallest, 2^-1074: so many of it. */
function unitsOf(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  const units = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return bits >> 63n === 1n ? -units : units;
}

/** The nearest double, of two the even one, in whole numbers only. */
function doubleOf(units: bigint): number {
  const size = units < 0n ? -units : units;
  const shift = BigInt(Math.max(0, size.toString(2).length - 53));
  const kept = size >> shift;
  const lost = size - (kept << shift);
  const half = shift === 0n ? 0n : 1n << (shift - 1n);
  const up = shift > 0n && (lost > half || (lost === half && (kept & 1n) === 1n));
  const found = Number(up ? kept + 1n : kept);
  const scaled = found * 2 ** (Number(shift) - 1074);
  return units < 0n ? -scaled : scaled;
}

/** Numbers of all sizes, many of which nearly cancel. */
const value = fc.oneof(
  fc.double({ min: -1e300, max: 1e300, noNaN: true }),
  fc.double({ min: -100, max: 100, noNaN: true }),
  fc
    .tuple(fc.integer({ min: -(2 ** 53), max: 2 ** 53 }), fc.integer({ min: -60, max: 60 }))
    .map(([m, e]) => m * 2 ** e),
  fc.constantFrom(0.1, 0.2, 0.3, 1e16, -1e16, 1, -1, 2 ** -53, -(2 ** -53), 2 ** -105, Number.MIN_VALUE),
);
const values = fc.array(value, { maxLength: 40 });

describe('an exact sum', () => {
  it.each([
    [[], 0],
    [Array<number>(10).fill(0.1), 1],
    [[1e100, 1, -1e100], 1],
    [[1e100, 1, -1e100, 1e-100, 1e50, -1, -1e50], 1e-100],
    [[1, 2 ** -53, 2 ** -106], 1 + 2 ** -52],
    [[1, 2 ** -53], 1],
    [[1, 2 ** -53, -(2 ** -106)], 1],
  ])('of %j is %d', (numbers, expected) => {
    expect(roundedSum(sumOf(numbers))).toBe(expected);
  });

  it('is rounded once, as the rational numbers say (property)', () => {
    fc.assert(
      fc.property(values, (numbers) => {
        const exact = numbers.reduce((sum, each) => sum + unitsOf(each), 0n);
        expect(roundedSum(sumOf(numbers)) === doubleOf(exact)).toBe(true);
        expect(sumOf(numbers).reduce((sum, each) => sum + unitsOf(each), 0n)).toBe(exact);
      }),
      { numRuns: 2_000 },
    );
  });

  it('depends on no order and no partition (property)', () => {
    const shuffled = values.chain((numbers) =>
      fc.tuple(
        fc.constant(numbers),
        fc.shuffledSubarray(numbers, { minLength: numbers.length }),
        fc.nat({ max: numbers.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([numbers, other, cut]) => {
        const parts = [sumOf(other.slice(0, cut)), sumOf(other.slice(cut))];
        // A part is kept as JSON between.
        const merged = sumOf((JSON.parse(JSON.stringify(parts)) as number[][]).flat());
        expect(roundedSum(merged) === roundedSum(sumOf(numbers))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a mean', () => {
  /** Shares of a hundred with one digit, as nodes report them, sizes in bytes, and anything. */
  const measured = fc.oneof(
    fc.integer({ min: 0, max: 1_000 }).map((tenths) => tenths / 10),
    fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((double) => Math.round(double * 1e6) / 1e6),
    fc.constantFrom(90.1, 0.1, 1 / 3, 2 ** 53 - 1, 17_179_869_184),
  );
  const some = fc.array(measured, { minLength: 1, maxLength: 60 });

  it('of a constant is that constant, by whatever count it is divided (property)', () => {
    fc.assert(
      fc.property(measured, fc.integer({ min: 1, max: 3_000 }), (constant, count) => {
        const constants = Array<number>(count).fill(constant);
        expect(meanOf(constants) === constant).toBe(true);
        expect(roundedMean(sumOf(constants), count) === constant).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('is within what it is the mean of, nearest to the rational one, in any order (property)', () => {
    fc.assert(
      fc.property(
        some.chain((list) =>
          fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
        ),
        ([numbers, shuffled]) => {
          const mean = meanOf(numbers);
          expect(mean).toBeGreaterThanOrEqual(leastOf(numbers));
          expect(mean).toBeLessThanOrEqual(greatestOf(numbers));
          expect(meanOf(shuffled) === mean).toBe(true);
          expect(roundedSumOf(shuffled) === roundedSum(sumOf(numbers))).toBe(true);
          const units = numbers.reduce((sum, each) => sum + unitsOf(each), 0n);
          const distance = (double: number) => {
            const away = unitsOf(double) * BigInt(numbers.length) - units;
            return away < 0n ? -away : away;
          };
          const step = 2 ** (Math.floor(Math.log2(Math.abs(mean) || 1)) - 52);
          for (const other of [mean + step, mean - step]) {
            expect(distance(mean) <= distance(other)).toBe(true);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('of none is no number', () => {
    expect(meanOf([])).toBeNaN();
  });
});
