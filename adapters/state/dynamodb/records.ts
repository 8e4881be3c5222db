import { PermanentError } from '../../../core/errors.ts';
import type { StateStore } from '../../../core/ports.ts';
import type { StateContext } from './context.ts';
import { keys } from './layout.ts';
import { prune } from './prune.ts';
import { loadRecord, recordWrites } from './record.ts';
import { createStatuses } from './statuses.ts';

type Records = Pick<
  StateStore,
  'putTargetStatus' | 'listTargetStatus' | 'putAuditHead' | 'listAuditHeads' | 'counters' | 'prune'
>;

/** What a round leaves beside samples and alerts. */
export function createRecords(context: StateContext): Records {
  const { table } = context;
  return {
    ...createStatuses(context),
    async putAuditHead(writer, { sequence, hash, atMs }) {
      await table.write([{ put: { ...keys.auditHead(writer), kind: 'audit', v: 1, sequence, hash, atMs } }]);
    },
    async listAuditHeads() {
      return (await table.query({ pk: keys.auditHead('').pk })).map(({ sk, sequence, hash, atMs }) => ({
        writer: sk,
        sequence: Number(sequence),
        hash: String(hash),
        atMs: Number(atMs),
      }));
    },
    counters: {
      load: async (key) => (await loadRecord<unknown>(table, keys.counters(key)))?.value,
      async save(key, value) {
        const writes = await recordWrites({ key: keys.counters(key), kind: 'counters', value });
        if (writes.length > 1) {
          throw new PermanentError(
            `counters ${key} do not fit into one item; keep them in S3, or probe smaller batches`,
          );
        }
        await table.write(writes);
      },
    },
    prune: (olderThanMs) => prune(context, olderThanMs),
  };
}
