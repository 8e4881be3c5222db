import { expect, it } from 'vitest';
import type { Series } from '../model/sample.ts';
import type { SeriesQuery } from '../ports.ts';
import { withSharedQueries } from './shared-queries.ts';

function setup() {
  const asked: string[] = [];
  const fault = { error: undefined as Error | undefined };
  const store = withSharedQueries({
    async query({ metric, fromMs, toMs }: SeriesQuery): Promise<Series[]> {
      asked.push(`${metric} ${fromMs}-${toMs}`);
      if (fault.error) throw fault.error;
      return [{ metric, labels: {}, points: [{ timeMs: toMs, value: asked.length }] }];
    },
  });
  const ask = async (metric: string, fromMs = 0) => {
    const [series] = await store.query({ metric, fromMs, toMs: 9 });
    return series?.points[0]?.value;
  };
  return { ask, asked, fault };
}

it('asks once for what tiers of a rule read, also at the same time, and for both metrics of a ratio', async () => {
  const { ask, asked } = setup();
  expect(await Promise.all([ask('of'), ask('over'), ask('of')])).toEqual([1, 2, 1]);
  expect([await ask('of'), await ask('over')]).toEqual([1, 2]);
  expect(asked).toEqual(['of 0-9', 'over 0-9']);
});

it('asks again for another time', async () => {
  const { ask, asked } = setup();
  await ask('a');
  await ask('a', 1);
  expect(asked).toEqual(['a 0-9', 'a 1-9']);
});

it('keeps no more than two answers', async () => {
  const { ask, asked } = setup();
  for (const metric of ['a', 'b', 'c', 'b', 'a']) await ask(metric);
  expect(asked.map((one) => one.split(' ')[0])).toEqual(['a', 'b', 'c', 'a']);
});

it('asks again for what failed', async () => {
  const { ask, asked, fault } = setup();
  fault.error = new Error('the store is out');
  await expect(ask('a')).rejects.toThrow('the store is out');
  fault.error = undefined;
  expect(await ask('a')).toBe(2);
  expect(asked).toHaveLength(2);
});
