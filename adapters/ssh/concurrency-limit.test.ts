import { expect, it, vi } from 'vitest';
import { forEachLimit } from './concurrency-limit.ts';

/** Works on names: `s…` takes a minute, others a second. Returns when each ended, in seconds. */
async function run(names: readonly string[], limit: number, patienceMs?: number) {
  vi.useFakeTimers({ now: 0 });
  try {
    const ended: Record<string, number> = {};
    let most = 0;
    let running = 0;
    const work = async (name: string) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, name.startsWith('s') ? 60_000 : 1_000));
      running--;
      ended[name] = Date.now() / 1_000;
    };
    const done = forEachLimit(names, limit, work, patienceMs);
    await vi.runAllTimersAsync();
    await done;
    return { ended, most };
  } finally {
    vi.useRealTimers();
  }
}

it('runs at most the limit at a time', async () => {
  expect(await run(['a', 'b', 'c'], 2)).toEqual({ ended: { a: 1, b: 1, c: 2 }, most: 2 });
});

it('a slow item does not delay the next ones', async () => {
  const names = ['s1', 's2', 'a', 'b', 'c'];
  expect(await run(names, 2)).toMatchObject({ ended: { a: 61, b: 61, c: 62 }, most: 2 });
  expect(await run(names, 2, 2_000)).toMatchObject({ ended: { s1: 60, a: 3, b: 3, c: 4 }, most: 4 });
});

it('until four times the limit are under way', async () => {
  const silent = Array.from({ length: 20 }, (_, i) => `s${i}`);
  const { most, ended } = await run([...silent, 'a'], 2, 2_000);
  expect(most).toBe(8);
  expect(ended.a).toBeLessThan(3 * 60 + 10);
});

it('rejects with the error of the work, also of a slow item', async () => {
  const work = () => new Promise<void>((_, reject) => setTimeout(() => reject(new Error('no')), 20));
  await expect(forEachLimit(['a'], 1, work, 1)).rejects.toThrow('no');
  await expect(forEachLimit(['a'], 1, work)).rejects.toThrow('no');
});
