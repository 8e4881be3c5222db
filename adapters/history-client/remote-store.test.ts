import { expect, it } from 'vitest';
import type { z } from 'zod';
import { PermanentError } from '../../core/errors.ts';
import type { HistoryClient, Query } from './client.ts';
import { createRemoteStore } from './remote-store.ts';

const labels = { cluster: 'c', node: 'n' };

function storeOver(answer: (query: Query) => unknown) {
  const asked: Query[] = [];
  const client: Pick<HistoryClient, 'get'> = {
    async get<T>(_: string, query: Query, shape: z.ZodType<T>) {
      asked.push(query);
      return shape.parse(answer(query));
    },
  };
  return { asked, store: createRemoteStore(client as HistoryClient, { nowMs: () => 60_000 }) };
}

const pageOf = (value: number, next?: string) => ({
  values: [{ metric: 'up', labels, timeMs: 1, value }],
  ...(next !== undefined && { next }),
});

it('reads newest values page by page', async () => {
  const { asked, store } = storeOver(({ cursor }) => (cursor === 'b' ? pageOf(2) : pageOf(1, 'b')));
  const found = await store.latest({ metric: 'up', sinceMs: 0 });
  expect(found.map(({ points }) => points)).toEqual([[{ timeMs: 1, value: 1 }], [{ timeMs: 1, value: 2 }]]);
  expect(asked).toMatchObject([{ within: 60_000, cursor: undefined }, { cursor: 'b' }]);
});

it('leaves a server that names further pages for ever', async () => {
  const { asked, store } = storeOver(() => pageOf(1, 'again'));
  await expect(store.latest({ metric: 'up', sinceMs: 0 })).rejects.toThrow(PermanentError);
  expect(asked).toHaveLength(1_000);
});

it('reads samples in slices that meet, and joins them to series', async () => {
  const hour = 3_600_000;
  const { asked, store } = storeOver(({ from }) => ({
    times: [from, Number(from) + 1],
    series: [{ metric: 'up', labels, values: [1, null] }],
  }));
  const found = await store.query({ metric: 'up', fromMs: 0, toMs: 7 * hour });
  expect(asked.map(({ from, to }) => [from, to])).toEqual([
    [0, 6 * hour - 1],
    [6 * hour, 7 * hour],
  ]);
  expect(found).toEqual([
    {
      metric: 'up',
      labels,
      points: [
        { timeMs: 0, value: 1 },
        { timeMs: 6 * hour, value: 1 },
      ],
    },
  ]);
});
