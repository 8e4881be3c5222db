import { expect, it } from 'vitest';
import type { SeriesQuery } from '../ports.ts';
import { createCoverage, createRuleGaps } from './coverage.ts';

const MINUTE = 60_000;

it('rules on one metric ask the store once what is left of a gap', async () => {
  const coverage = createCoverage(0, 60 * MINUTE);
  const points = [0, 1, 2, 30].map((minute) => ({ timeMs: minute * MINUTE, value: 1 }));
  coverage.add([{ metric: 'mem_usage', labels: { node: 'n1' }, points }]);
  const asked: string[] = [];
  const store = {
    rollUps: async ({ metric, fromMs }: SeriesQuery) => {
      asked.push(`${metric} ${fromMs / MINUTE}`);
      return [];
    },
  };
  const check = { name: 'usage', probe: 'usage', everyMs: MINUTE, where: {}, options: {} };
  const gapsOf = createRuleGaps({ config: { checks: [check] }, targets: [] }, coverage, store);
  const gap = (from: number, to: number) => ({
    ...{ metric: 'mem_usage', fromMs: from * MINUTE, toMs: to * MINUTE, left: 'nothing' },
  });
  const ofMemory = [gap(3, 30), gap(31, 60)];
  expect(await gapsOf({ metric: 'mem_usage' })).toEqual(ofMemory);
  expect(await gapsOf({ metric: 'mem_usage' })).toEqual(ofMemory);
  expect(asked).toEqual(['mem_usage 3', 'mem_usage 3', 'mem_usage 31', 'mem_usage 31']);
  expect(await gapsOf({ metric: 'mem_usage', over: 'cpu_usage' })).toEqual([
    ...ofMemory,
    { metric: 'cpu_usage', fromMs: 0, toMs: 60 * MINUTE, left: 'nothing' },
  ]);
  expect(asked).toHaveLength(6);
});
