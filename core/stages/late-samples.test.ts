import { describe, expect, it } from 'vitest';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { meterTo } from '../meter.ts';
import type { SampleStore } from '../ports.ts';
import { withLateSamples } from './late-samples.ts';

describe('a store with late samples beside it', () => {
  const point = (timeMs: number, value: number) => ({ timeMs, value });
  const series = (node: string, ...points: { timeMs: number; value: number }[]) => ({
    metric: 'cpu_usage',
    labels: { cluster: 'c', node, role: 'etcd' },
    points,
  });
  function createLate(
    late: ReturnType<typeof series>[],
    change: { isCut?: boolean; refusesLate?: boolean } = {},
  ) {
    const asked: unknown[] = [];
    const logger = createRecordingLogger();
    const counted: string[] = [];
    const inner = {
      refusesLate: change.refusesLate ?? true,
      query: async () => [series('n1', point(1, 1), point(2, 2))],
    } as unknown as SampleStore;
    const state = {
      lateSamples: async (query: unknown) => {
        asked.push(query);
        return { series: late, isCut: change.isCut ?? false };
      },
    };
    const meter = meterTo(({ name }) => counted.push(name));
    const outer = withLateSamples(inner, { kind: 'clusters', index: 1, count: 3 }, { state, logger, meter });
    const query = (where = {}) => outer.query({ metric: 'cpu_usage', where, fromMs: 0, toMs: 9 });
    return { inner, outer, query, asked, logger, counted };
  }

  it('returns both, in the order of time; where both have a sample, the store counts', async () => {
    const { query, asked, logger } = createLate([
      series('n1', point(2, 99), point(3, 3)),
      series('n2', point(1, 5)),
    ]);
    expect(await query()).toEqual([
      series('n1', point(1, 1), point(2, 2), point(3, 3)),
      series('n2', point(1, 5)),
    ]);
    expect(asked).toEqual([{ shard: '1/3', metric: 'cpu_usage', fromMs: 0, toMs: 9 }]);
    expect(logger.lines).toEqual([]);
  });

  it('returns late samples of the selection alone', async () => {
    const { query } = createLate([series('n2', point(1, 5))]);
    expect(await query({ node: ['n1'] })).toEqual([series('n1', point(1, 1), point(2, 2))]);
  });

  it('says that it left some out where there are too many', async () => {
    const { query, counted, logger } = createLate([], { isCut: true });
    await query();
    expect(counted).toEqual(['samples_late_unread_total']);
    expect(logger.lines).toMatchObject([{ level: 'error', fields: { metric: 'cpu_usage' } }]);
  });

  it('is the store itself where that takes samples however late they are', () => {
    const { inner, outer } = createLate([], { refusesLate: false });
    expect(outer).toBe(inner);
  });
});
