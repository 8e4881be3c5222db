import { hashText } from '../../../core/hash.ts';
import {
  type LateRecord,
  type LateSamples,
  lateRecords,
  lateSeries,
  MOST_RECORDS,
} from '../../../core/late-samples.ts';
import type { PostgresDatabase } from '../../postgres/database.ts';

/** The next write, and `prune`, remove expired samples. */
export function createLateSamples(database: PostgresDatabase): LateSamples {
  return {
    async putLateSamples({ shard, samples, nowMs, expiresAtMs }) {
      const records = lateRecords(samples);
      await database.write(async (session) => {
        await session.query('DELETE FROM late_samples WHERE expires_ms <= $1', [nowMs]);
        for (const { metric, timeMs, entries } of records) {
          const body = JSON.stringify(entries);
          await session.query(
            `INSERT INTO late_samples (shard, metric, time_ms, id, kept_ms, expires_ms, body)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
            [shard, metric, timeMs, hashText(body), nowMs, expiresAtMs, body],
          );
        }
      });
    },
    async lateSamples({ shard, metric, fromMs, toMs }) {
      const rows = await database.rows<[timeMs: number, keptMs: number, body: string]>(
        `SELECT time_ms, kept_ms, body FROM late_samples WHERE shard = $1 AND metric = $2 AND time_ms BETWEEN $3 AND $4
         ORDER BY time_ms DESC, id LIMIT $5`,
        [shard, metric, fromMs, toMs, MOST_RECORDS + 1],
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
