import { describe, expect, it } from 'vitest';
import type { Labels } from '../../core/model/labels.ts';
import type { Sample } from '../../core/model/sample.ts';
import type { StateStore } from '../../core/ports.ts';
import { T0 } from './state-fixtures.ts';

const MINUTE = 60_000;

/** Samples that came too late for the sample store. A part of the contract of state stores. */
export function describeLateSamples(state: () => StateStore): void {
  describe('late samples', () => {
    const labels = { cluster: 'c', node: 'n', role: 'etcd' };
    const sample = (minute: number, value: number, of: Labels = labels, metric = 'mem_usage'): Sample => ({
      metric,
      labels: of,
      timeMs: T0 + minute * MINUTE,
      value,
    });
    const keep = (samples: readonly Sample[], { shard = 'local', at = 0 } = {}) => {
      const nowMs = T0 + at * MINUTE;
      return state().putLateSamples({ shard, samples, nowMs, expiresAtMs: nowMs + 60 * MINUTE });
    };
    const found = async (from: number, to: number, { shard = 'local', metric = 'mem_usage' } = {}) => {
      const query = { shard, metric, fromMs: T0 + from * MINUTE, toMs: T0 + to * MINUTE };
      const { series, isCut } = await state().lateSamples(query);
      expect(isCut).toBe(false);
      return series
        .map((one) => [
          one.labels.node,
          ...one.points.map(({ timeMs, value }) => [(timeMs - T0) / MINUTE, value]),
        ])
        .sort();
    };

    it('are found by shard, metric and time, both ends included, as series', async () => {
      const other = { ...labels, node: '노드' };
      await keep([sample(2, 0.1 + 0.2), sample(0, 1), sample(1, 2, other), sample(1, 3, labels, 'up')]);
      await keep([sample(1, 4), sample(3, 5)], { at: 1 });
      await keep([sample(1, 6)], { shard: '1/3' });
      expect(await found(0, 2)).toEqual([
        ['n', [0, 1], [1, 4], [2, 0.1 + 0.2]],
        ['노드', [1, 2]],
      ]);
      expect(await found(3, 9)).toEqual([['n', [3, 5]]]);
      expect(await found(0, 9, { metric: 'up' })).toEqual([['n', [1, 3]]]);
      expect(await found(0, 9, { shard: '1/3' })).toEqual([['n', [1, 6]]]);
      expect(await found(0, 9, { shard: '2/3' })).toEqual([]);
      expect(await found(0, 9, { metric: 'mem' })).toEqual([]);
    });

    it('keep the first write, however often they are written', async () => {
      await keep([sample(1, 1), sample(2, 2)]);
      for (const at of [1, 2]) await keep([sample(1, 1), sample(2, 2)], { at });
      await keep([sample(1, 9), sample(3, 3)], { at: 3 });
      await keep([sample(1, 0)], { at: 4 });
      expect(await found(0, 9)).toEqual([['n', [1, 1], [2, 2], [3, 3]]]);
    });

    it('of many nodes can be written at once, in any portions', async () => {
      const nodes = Array.from({ length: 3_000 }, (_, i) => ({ ...labels, node: `n${i}-${'x'.repeat(40)}` }));
      const all = nodes.map((of, i) => sample(0, i / 7, of));
      await keep(all.slice(0, 2_500));
      await keep(all.slice(2_000), { at: 1 });
      const { series } = await state().lateSamples({
        shard: 'local',
        metric: 'mem_usage',
        fromMs: T0,
        toMs: T0,
      });
      expect(series.map(({ points }) => points[0]?.value).sort()).toEqual(
        all.map(({ value }) => value).sort(),
      );
    });
  });
}
