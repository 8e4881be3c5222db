import type { TargetStatus } from '../../../core/model/target-status.ts';
import type { StateStore } from '../../../core/ports.ts';
import type { Database } from '../../sqlite/database.ts';
import { readRows, readValues } from './table.ts';

type Records = Pick<
  StateStore,
  'putTargetStatus' | 'listTargetStatus' | 'putAuditHead' | 'listAuditHeads' | 'counters' | 'prune'
>;

/** What a round leaves beside samples and alerts, and how long records stay. */
export function createRecords(database: Database): Records {
  return {
    async putTargetStatus(statuses) {
      const put = database.prepare(
        `INSERT INTO target_status (cluster, node, check_name, round_ms, body) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET round_ms = excluded.round_ms, body = excluded.body
         WHERE excluded.round_ms >= round_ms`,
      );
      database.write(() => {
        for (const status of statuses) {
          const { cluster, node, check, roundMs } = status;
          put.run(cluster, node, check, roundMs, JSON.stringify(status));
        }
      });
    },
    listTargetStatus: async () =>
      readValues<TargetStatus>(database, 'SELECT body FROM target_status ORDER BY cluster, node, check_name'),
    async putAuditHead(writer, { sequence, hash, atMs }) {
      const put = database.prepare(
        'INSERT OR REPLACE INTO audit_head (writer, sequence, hash, at_ms) VALUES (?, ?, ?, ?)',
      );
      database.write(() => put.run(writer, sequence, hash, atMs));
    },
    async listAuditHeads() {
      const sql = 'SELECT writer, sequence, hash, at_ms FROM audit_head ORDER BY writer';
      return readRows<[string, number, string, number]>(database, sql).map(
        ([writer, sequence, hash, atMs]) => ({
          writer,
          sequence,
          hash,
          atMs,
        }),
      );
    },
    counters: {
      load: async (key) => readValues<unknown>(database, 'SELECT body FROM counters WHERE key = ?', key)[0],
      async save(key, value) {
        const put = database.prepare('INSERT OR REPLACE INTO counters (key, body) VALUES (?, ?)');
        database.write(() => put.run(key, JSON.stringify(value)));
      },
    },
    prune: async (olderThanMs) =>
      database.write(() => {
        let removed = 0;
        for (const what of OLD)
          removed += Number(database.prepare(`DELETE FROM ${what}`).run(olderThanMs).changes);
        return removed;
      }),
  };
}

/** A transition in the outbox is not notified yet, however old it is. */
const OLD = [
  'incident WHERE closed_ms IS NOT NULL AND closed_ms < ?',
  'transition WHERE at_ms < ? AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.id = transition.id)',
  'delivery WHERE at_ms < ?',
  'target_status WHERE round_ms < ?',
  'silence WHERE until_ms < ?',
  'token WHERE ended_ms < ?',
  'late_samples WHERE expires_ms < ?',
  'pace WHERE changed_ms < ?',
];
