import { hashText } from '../../../core/hash.ts';
import {
  type LateRecord,
  type LateSamples,
  lateRecords,
  lateSeries,
  MOST_RECORDS,
} from '../../../core/late-samples.ts';
import type { Database } from '../../sqlite/database.ts';
import { readRows } from './table.ts';

/** The next write, and `prune`, remove expired samples. */
export function createLateSamples(database: Database): LateSamples {
  return {
    async putLateSamples({ shard, samples, nowMs, expiresAtMs }) {
      const put = database.prepare(
        `INSERT INTO late_samples (shard, metric, time_ms, id, kept_ms, expires_ms, body) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING`,
      );
      const drop = database.prepare('DELETE FROM late_samples WHERE expires_ms <= ?');
      const records = lateRecords(samples);
      database.write(() => {
        drop.run(nowMs);
        for (const { metric, timeMs, entries } of records) {
          const body = JSON.stringify(entries);
          put.run(shard, metric, timeMs, hashText(body), nowMs, expiresAtMs, body);
        }
      });
    },
    async lateSamples({ shard, metric, fromMs, toMs }) {
      const rows = readRows<[timeMs: number, keptMs: number, body: string]>(
        database,
        `SELECT time_ms, kept_ms, body FROM late_samples WHERE shard = ? AND metric = ? AND time_ms BETWEEN ? AND ?
         ORDER BY time_ms DESC, id LIMIT ?`,
        ...[shard, metric, fromMs, toMs, MOST_RECORDS + 1],
      );
      const newest = rows.slice(0, MOST_RECORDS).sort((a, b) => a[1] - b[1]);
      const records = newest.map(([timeMs, , body]) => ({
        timeMs,
        entries: JSON.parse(body) as LateRecord['entries'],
      }));
      return { series: lateSeries(metric, records), isCut: rows.length > MOST_RECORDS };
    },
  };
}
