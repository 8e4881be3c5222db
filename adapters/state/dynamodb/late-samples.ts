import { hashText } from '../../../core/hash.ts';
import {
  type LateRecord,
  type LateSamples,
  lateRecords,
  lateSeries,
  MOST_RECORDS,
} from '../../../core/late-samples.ts';
import { forEachLimit } from '../../ssh/concurrency-limit.ts';
import type { StateContext } from './context.ts';
import { keys, sortable, timeOf, upTo } from './layout.ts';
import { openRecords, recordWrites } from './record.ts';

const CONCURRENT_REQUESTS = 8;

/**
 * An item for what a message has of a metric and time; while nothing comes late, an evaluation reads nothing but an empty
 * partition. They go by their time to live.
 */
export function createLateSamples({ table }: StateContext): LateSamples {
  return {
    async putLateSamples({ shard, samples, nowMs, expiresAtMs }) {
      await forEachLimit(lateRecords(samples), CONCURRENT_REQUESTS, async ({ metric, timeMs, entries }) => {
        const hash = hashText(JSON.stringify(entries));
        const writes = await recordWrites({
          key: keys.late(shard, { metric, timeMs, hash }),
          kind: 'late',
          value: entries,
          attributes: { keptAtMs: nowMs, expiresAt: Math.ceil(expiresAtMs / 1000) },
          if: { is: 'absent' },
        });
        await table.write(writes);
      });
    },
    async lateSamples({ shard, metric, fromMs, toMs }) {
      const heads = await table.query({
        pk: keys.lateOf(shard),
        from: `${metric}#${sortable(fromMs)}`,
        to: `${metric}#${upTo(toMs)}`,
        newestFirst: true,
        limit: MOST_RECORDS + 1,
      });
      const newest = heads.slice(0, MOST_RECORDS).sort((a, b) => Number(a.keptAtMs) - Number(b.keptAtMs));
      const opened = await openRecords<LateRecord['entries']>(table, newest);
      const records = opened.map(({ head, value }) => ({
        timeMs: timeOf({ sk: head.sk.slice(metric.length + 1) }),
        entries: value,
      }));
      return { series: lateSeries(metric, records), isCut: heads.length > MOST_RECORDS };
    },
  };
}
