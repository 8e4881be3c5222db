import { expect, it } from 'vitest';
import { createPieces } from './pieces.ts';

it.each([0, 1, 1_023, 1_024, 1_025, 5_000])('joins %i pieces in their order', (count) => {
  const pieces = createPieces();
  const texts = Array.from({ length: count }, (_, i) => `${i},`);
  for (const text of texts) pieces.add(Buffer.from(text));
  expect(pieces.join().toString()).toBe(texts.join(''));
  expect(pieces.join()).toHaveLength(0);
});

it('keeps no packet for a byte of it', () => {
  const pieces = createPieces();
  const before = process.memoryUsage().arrayBuffers;
  // A gigabyte of packets. Each is garbage once its byte is copied, so that half of it is never there at once.
  for (let i = 0; i < 32_768; i++) pieces.add(Buffer.alloc(32_768).subarray(0, 1));
  const keptBytes = process.memoryUsage().arrayBuffers - before;
  expect(keptBytes).toBeLessThan(512 * 1_048_576);
  expect(pieces.join()).toHaveLength(32_768);
});
