import type { TargetStatus } from '../../../core/model/target-status.ts';
import type { StateStore } from '../../../core/ports.ts';
import type { PostgresDatabase } from '../../postgres/database.ts';
import { newestStatuses } from '../newest-statuses.ts';
import { readValues } from './table.ts';

type Records = Pick<
  StateStore,
  'putTargetStatus' | 'listTargetStatus' | 'putAuditHead' | 'listAuditHeads' | 'counters' | 'prune'
>;

/** What a round leaves beside samples and alerts, and how long records stay. */
export function createRecords(database: PostgresDatabase): Records {
  return {
    async putTargetStatus(statuses) {
      const newest = newestStatuses(statuses);
      if (newest.length === 0) return;
      const texts = (['cluster', 'node', 'check'] as const).map((field) => newest.map((one) => one[field]));
      const values = [
        ...texts,
        newest.map(({ roundMs }) => roundMs),
        newest.map((one) => JSON.stringify(one)),
      ];
      await database.write((session) =>
        session.query(
          `INSERT INTO target_status (cluster, node, check_name, round_ms, body)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[])
           ON CONFLICT (cluster, node, check_name) DO UPDATE SET round_ms = excluded.round_ms, body = excluded.body
           WHERE excluded.round_ms >= target_status.round_ms`,
          values,
        ),
      );
    },
    listTargetStatus: () =>
      readValues<TargetStatus>(database, 'SELECT body FROM target_status ORDER BY cluster, node, check_name'),
    async putAuditHead(writer, { sequence, hash, atMs }) {
      const sql = `INSERT INTO audit_head (writer, sequence, hash, at_ms) VALUES ($1, $2, $3, $4)
        ON CONFLICT (writer) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash, at_ms = excluded.at_ms`;
      await database.write((session) => session.query(sql, [writer, sequence, hash, atMs]));
    },
    async listAuditHeads() {
      const sql = 'SELECT writer, sequence, hash, at_ms FROM audit_head ORDER BY writer';
      const rows = await database.rows<[string, number, string, number]>(sql);
      return rows.map(([writer, sequence, hash, atMs]) => ({ writer, sequence, hash, atMs }));
    },
    counters: {
      load: async (key) =>
        (await readValues<unknown>(database, 'SELECT body FROM counters WHERE key = $1', [key]))[0],
      async save(key, value) {
        const sql =
          'INSERT INTO counters (key, body) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET body = excluded.body';
        await database.write((session) => session.query(sql, [key, JSON.stringify(value)]));
      },
    },
    async prune(olderThanMs) {
      let removed = 0;
      for (const [table, condition] of OLD) {
        const sql = `DELETE FROM ${table} WHERE ctid = ANY (ARRAY (SELECT ctid FROM ${table} WHERE ${condition} LIMIT ${PORTION}))`;
        for (let count = PORTION; count === PORTION; removed += count)
          count = await database.write(async (session) => (await session.query(sql, [olderThanMs])).count);
      }
      return removed;
    },
  };
}

/** Rows of one statement, whose time is limited. */
const PORTION = 2_000;

/** A transition in the outbox is not notified yet, however old it is. */
const OLD = [
  ['incident', 'closed_ms IS NOT NULL AND closed_ms < $1'],
  ['transition', 'at_ms < $1 AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.id = transition.id)'],
  ['delivery', 'at_ms < $1'],
  ['target_status', 'round_ms < $1'],
  ['silence', 'until_ms < $1'],
  ['token', 'ended_ms < $1'],
  ['late_samples', 'expires_ms < $1'],
  ['pace', 'changed_ms < $1'],
] as const;
