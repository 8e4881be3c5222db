import fc from 'fast-check';
import { expect, it } from 'vitest';
import { retryAfterOf, retryAfterSeconds } from './retry-after.ts';

const NOW = Date.UTC(2026, 10, 24, 9, 10);
const DAY_MS = 86_400_000;

it.each([
  [undefined, undefined],
  ['0', 0],
  [' 120 ', 120_000],
  ['40.5', 40_500],
  ['7200', 7_200_000],
  ['86400', DAY_MS],
  ['1000000000', DAY_MS],
  ['99999999999999999999', DAY_MS],
  ['9'.repeat(400), DAY_MS],
  ['Tue, 24 Nov 2026 09:11:00 GMT', 60_000],
  ['Tue, 24 Nov 2026 09:00:00 GMT', 0],
  ['Tue, 24 Nov 2099 09:00:00 GMT', DAY_MS],
  ['Tuesday, 24-Nov-26 09:11:00 GMT', 60_000],
  ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
  ['Tue Nov 24 09:11:00 2026', 60_000],
  ['Tue Nov  3 09:11:00 2026', 0],
  ['Tue, 24 Nov 2026 09:11:00 +0900', undefined],
  ['Tue, 31 Feb 2027 09:11:00 GMT', undefined],
  ['Tue, 24 Nov 2026 25:11:00 GMT', undefined],
  ['2026-11-24T09:11:00Z', undefined],
  ['24 Nov 2026', undefined],
  ['-5', undefined],
  ['.5', undefined],
  ['1e9', undefined],
  ['5, 7', undefined],
  ['5s', undefined],
  ['soon', undefined],
  ['NaN', undefined],
  ['', undefined],
])('Retry-After: %s is a wait of %s ms', (header, ms) => {
  expect(retryAfterOf(header, NOW)).toBe(ms);
});

it.each([
  [17, 17_000],
  [0.25, 250],
  [1e9, DAY_MS],
  [1e300, DAY_MS],
  [-1, undefined],
  [Number.NaN, undefined],
  [Number.POSITIVE_INFINITY, undefined],
  ['17', undefined],
  [undefined, undefined],
])('retry_after %s in a body is a wait of %s ms', (seconds, ms) => {
  expect(retryAfterSeconds(seconds)).toBe(ms);
});

it('is never negative, long or no number', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.double().map(String)), (header) => {
      const ms = retryAfterOf(header, NOW) ?? 0;
      expect(ms >= 0 && ms <= DAY_MS).toBe(true);
    }),
  );
});
