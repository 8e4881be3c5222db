import { expect, it } from 'vitest';
import { RetryableError } from '../../../core/errors.ts';
import type { Sample } from '../../../core/model/sample.ts';
import { createStrictPrometheus } from '../../../test/strict-prometheus.ts';
import { createPrometheusStore } from './store.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const MINUTE = 60_000;
const sample = (minute: number, value: number, metric = 'mem_usage'): Sample => ({
  metric,
  labels: { cluster: 'c', node: 'n' },
  timeMs: NOW + minute * MINUTE,
  value,
});

function setup() {
  const server = createStrictPrometheus(0);
  const store = createPrometheusStore(server, { nowMs: () => NOW + 9 * MINUTE });
  const repeat = (...samples: Sample[]) => store.repeat?.(samples);
  /** What PromQL has: seconds after NOW, and values. */
  const stored = async () => {
    const time = String((NOW + 60 * MINUTE) / 1000);
    const { result } = await server.query('/api/v1/query', {
      query: 'bartizan_mem_usage_percent{}[7200000ms]',
      time,
    });
    return result.flatMap(({ values }) =>
      values.map(([seconds, value]) => [Number((seconds - NOW / 1000).toFixed(3)), value]),
    );
  };
  const range = { metric: 'mem_usage', fromMs: NOW, toMs: NOW + 60 * MINUTE };
  const read = async () =>
    (await store.query(range)).flatMap(({ points }) => points.map(({ value }) => value));
  const newest = async () =>
    (await store.latest({ metric: 'mem_usage', sinceMs: NOW })).flatMap(({ points }) => points);
  return { server, store, repeat, stored, read, newest };
}

it('values that are written again go a millisecond behind their round, and nothing reads them here', async () => {
  const { store, repeat, stored, read, newest } = setup();
  await store.write([sample(0, 5)]);
  expect(await repeat(sample(1, 5), sample(1, Number.NaN, 'cpu_usage'))).toBe(1);
  expect(await repeat(sample(2, 5))).toBe(1);
  await store.write([sample(3, 7)]);
  expect(await stored()).toEqual([
    [0, '5'],
    [60.001, '5'],
    [120.001, '5'],
    [180, '7'],
  ]);
  expect(await read()).toEqual([5, 7]);
  expect(await newest()).toEqual([{ timeMs: NOW + 3 * MINUTE, value: 7 }]);
});

it('those that come again, or too late, are of no use and not counted', async () => {
  const { repeat, stored } = setup();
  expect(await repeat(sample(2, 5))).toBe(1);
  expect(await repeat(sample(2, 5))).toBe(1);
  expect(await repeat(sample(2, 6), sample(3, 1, 'load1'))).toBe(1);
  expect(await repeat(sample(1, 5))).toBe(0);
  expect(await stored()).toEqual([[120.001, '5']]);
});

it('a server that fails is left to the caller', async () => {
  const { server, repeat } = setup();
  server.write = async () => {
    throw new RetryableError('503');
  };
  await expect(repeat(sample(1, 5))).rejects.toBeInstanceOf(RetryableError);
});
