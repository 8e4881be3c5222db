import { expect, it } from 'vitest';
import { hashBytes, hashNumber, hashText } from './hash.ts';

it.each([
  // http://www.isthe.com/chongo/src/fnv/test_fnv.c
  ['', 'cbf29ce484222325'],
  ['a', 'af63dc4c8601ec8c'],
  ['foobar', '85944171f73967e8'],
  ['chongo was here!\n', '46810940eff5f915'],
])('hashes %j as FNV-1a does', (text, hash) => {
  expect([hashText(text), hashBytes(new TextEncoder().encode(text))]).toEqual([hash, hash]);
});

it('spreads names over a few batches', () => {
  const counts = [0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < 7_000; i++) counts[hashNumber(`prod-${i % 70}/node-${i}`) % 7]! += 1;
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(200);
});
