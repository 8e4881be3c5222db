import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import { readDrawn } from './history-reader.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = 480_000 * HOUR;
const labels = { cluster: 'c', node: 'n', role: 'etcd' };
let dir: string;
let store: ReturnType<typeof openSqliteStore>;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-history-'));
  store = openSqliteStore({ path: dir });
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

it('shows a spike and a short change of the state after the samples were removed', async () => {
  const minutes = Array.from({ length: 72 * 60 }, (_, i) => i);
  await store.write(
    minutes.flatMap((minute) => [
      { metric: 'mem_usage', labels, timeMs: START + minute * MINUTE, value: minute === 601 ? 99 : 40 },
      { metric: 'up', labels, timeMs: START + minute * MINUTE, value: minute === 602 ? 0 : 1 },
    ]),
  );
  await store.rollUp(START + 72 * HOUR);
  await store.prune(START + 60 * HOUR, 0);
  const range = {
    where: {},
    fromMs: START,
    toMs: START + 72 * HOUR - 1,
    bins: 100,
    intervalOf: () => MINUTE,
  };
  const [mem] = await readDrawn(store, ['mem_usage'], range);
  const points = mem?.series[0]?.segments.flat() ?? [];
  expect(mem?.series[0]?.segments).toHaveLength(1);
  expect(points[0]?.timeMs).toBe(START);
  expect(Math.max(...points.map(({ value }) => value))).toBe(99);
  const [up] = await readDrawn(store, ['up'], range);
  const states = up?.series[0]?.segments.flat() ?? [];
  expect(new Set(states.map(({ value }) => value))).toEqual(new Set([0, 1]));
  expect(states.find(({ value }) => value === 0)?.timeMs).toBe(START + 600 * MINUTE);
});

it('reads short ranges from samples', async () => {
  await store.write(
    [0, 1, 2].map((i) => ({ metric: 'mem_usage', labels, timeMs: START + i * MINUTE, value: i })),
  );
  const range = { where: {}, fromMs: START, toMs: START + 2 * MINUTE, bins: 100, intervalOf: () => MINUTE };
  const [mem] = await readDrawn(store, ['mem_usage'], range);
  expect(mem?.series[0]?.segments.flat().map(({ value }) => value)).toEqual([0, 1, 2]);
});
