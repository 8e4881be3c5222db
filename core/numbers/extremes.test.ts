import { expect, it } from 'vitest';
import { appendAll, greatestOf, leastOf } from './extremes.ts';

const long = Array.from({ length: 300_000 }, (_, i) => i - 1000);

it('takes more values than a call has room for', () => {
  expect(() => Math.max(...long)).toThrow(RangeError);
  expect([leastOf(long), greatestOf(long)]).toEqual([-1000, 298_999]);
  const list = [0];
  appendAll(list, long);
  expect(list.length).toBe(300_001);
});

it('says of nothing what Math says', () => {
  expect([greatestOf([]), leastOf([])]).toEqual([Math.max(), Math.min()]);
});
