import { expect, it } from 'vitest';
import { clockFinding, differenceOf } from './health-clock.ts';

const WITHIN = { askedMs: 10_000, answeredMs: 14_000 };

it.each([
  ['within a slow answer', 12_000, 0],
  ['at its ends', 10_000, 0],
  ['behind', 9_000, -1_000],
  ['ahead', 20_000, 6_000],
])('a clock that is %s', (_what, otherMs, difference) => {
  expect(differenceOf(otherMs, WITHIN)).toBe(difference);
});

it.each([
  [undefined, undefined],
  [0, undefined],
  [2_000, undefined],
  [-2_000, undefined],
  [40_000, /40s behind that of the database/],
  [-3_600_000, /1h ahead of that of the database/],
])('a difference of %s ms', (differenceMs, words) => {
  const finding = clockFinding(differenceMs);
  if (words === undefined) expect(finding).toBeUndefined();
  else expect(finding).toMatchObject({ code: 'clock-differs', words: expect.stringMatching(words) });
});
