import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forecast } from './forecast.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const T0 = Date.UTC(2026, 10, 24);
const everyMinute = (values: readonly number[]) =>
  values.map((value, i) => ({ timeMs: T0 + i * MINUTE, value }));
const lengths = fc.integer({ min: 2, max: 400 });
const levels = fc.double({ min: -1e9, max: 1e9, noNaN: true });

describe('a forecast', () => {
  it('is the value on the line, so long after the last sample', () => {
    expect(forecast(everyMinute([10, 11, 12]), 10 * MINUTE)).toBeCloseTo(22, 12);
    expect(forecast(everyMinute([10, 11, 12]), 0)).toBeCloseTo(12, 12);
  });

  it('lies nearest to samples that are on no line', () => {
    // By hand: the mean is 3 at 1m, the slope 1.5 a minute.
    expect(forecast(everyMinute([1, 4, 4]), 2 * MINUTE)).toBeCloseTo(7.5, 12);
  });

  it.each([
    ['none', []],
    ['one', [90]],
  ])('is none of %s', (_, values) => expect(forecast(everyMinute(values), HOUR)).toBeUndefined());

  it('is, of a constant, that constant (property)', () => {
    fc.assert(
      fc.property(levels, lengths, fc.nat(90), (value, count, days) => {
        expect(forecast(everyMinute(Array.from({ length: count }, () => value)), days * 24 * HOUR)).toBe(
          value,
        );
      }),
    );
  });

  it('is, of a line, that line, whatever samples are missing (property)', () => {
    const slopes = fc.double({ min: -100, max: 100, noNaN: true });
    const kept = fc.array(fc.boolean(), { minLength: 400, maxLength: 400 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), slopes, lengths, kept, (start, slope, count, keep) => {
        const line = (minute: number) => start + slope * minute;
        const all = everyMinute(Array.from({ length: count }, (_, i) => line(i)));
        const points = all.filter((_, i) => i === 0 || i === count - 1 || keep[i]);
        const then = line(count - 1 + 24 * 60);
        const size = Math.max(1, Math.abs(start), Math.abs(then), Math.abs(slope) * count);
        expect(Math.abs((forecast(points, 24 * HOUR) as number) - then) / size).toBeLessThan(1e-9);
      }),
    );
  });

  it('does not depend on when it is asked (property)', () => {
    const values = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(values, fc.integer({ min: -1e9, max: 1e9 }), (drawn, shift) => {
        const points = everyMinute(drawn);
        const moved = points.map(({ timeMs, value }) => ({ timeMs: timeMs + shift * 1000, value }));
        expect(forecast(moved, HOUR)).toBe(forecast(points, HOUR));
      }),
    );
  });

  it('is none where it would be beyond all numbers', () => {
    expect(forecast(everyMinute([-1e308, 1e308]), 90 * 24 * HOUR)).toBeUndefined();
  });
});
