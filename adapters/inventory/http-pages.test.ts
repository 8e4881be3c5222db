import { expect, it } from 'vitest';
import { readPages } from './http-pages.ts';

it('an answer in pages is waited for no longer than a minute, and asked for in the time that is left', async () => {
  let nowMs = 0;
  const limits: number[] = [];
  const read = async (_: string, { timeoutMs }: { timeoutMs: number }) => {
    limits.push(timeoutMs);
    nowMs += 25_000;
    const body = JSON.stringify({ next: `?${nowMs}` });
    return { status: 200, headers: {}, body, whole: true };
  };
  await expect(readPages('http://h/', read, { next: 'next' }, () => nowMs)).rejects.toThrow(
    'longer than 60 s',
  );
  expect(limits).toEqual([60_000, 35_000, 10_000]);
});
