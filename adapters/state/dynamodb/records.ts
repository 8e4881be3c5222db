import { PermanentError, RetryableError } from '../../../core/errors.ts';
import type { StateStore, TargetStatus } from '../../../core/ports.ts';
import { forEachAtOnce } from '../../ssh/at-once.ts';
import { buckets, keys } from './layout.ts';
import { prune, statusExpiry } from './prune.ts';
import { loadRecord, openRecords, recordWrites } from './record.ts';
import { atVersion } from './table.ts';
import type { World } from './world.ts';

type Records = Pick<
  StateStore,
  'putTargetStatus' | 'listTargetStatus' | 'putAuditHead' | 'listAuditHeads' | 'counters' | 'prune'
>;

const AT_ONCE = 16;
const TRIES = 10;
const PAUSE_MS = 20;

/** What a round leaves beside samples and alerts. */
export function createRecords(world: World): Records {
  const { table } = world;

  /**
   * One item holds the nodes of a cluster: an item for each would cost a write a node and minute, most of what all
   * state costs. Batches that share a cluster try until each has added its own.
   */
  async function merge(statuses: readonly TargetStatus[]): Promise<void> {
    const [{ cluster, check } = { cluster: '', check: '' }] = statuses;
    const key = keys.status(cluster, check);
    for (let tried = 0; tried < TRIES; tried++) {
      const stored = await loadRecord<TargetStatus[]>(table, key);
      const nodes = new Map((stored?.value ?? []).map((status) => [status.node, status]));
      let changed = false;
      for (const status of statuses) {
        if ((nodes.get(status.node)?.roundMs ?? 0) > status.roundMs) continue;
        nodes.set(status.node, status);
        changed = true;
      }
      if (!changed) return;
      // Of nodes that are gone. An item that nobody writes any more goes as a whole, with `expiresAt`.
      const kept = [...nodes.values()].filter(
        ({ roundMs }) => world.expiresAt(roundMs) * 1000 > world.clock.nowMs(),
      );
      const version = Number(stored?.head.version ?? 0);
      const writes = await recordWrites({
        key,
        kind: 'status',
        value: kept,
        attributes: { version: version + 1, expiresAt: statusExpiry(world, kept) },
        if: atVersion(version),
        before: stored?.head,
      });
      if ((await table.write(writes)).length === 0) return;
      await world.sleep(PAUSE_MS * (tried + Math.random()));
    }
    throw new RetryableError(`the status of cluster ${cluster} was written by others all the time`);
  }

  return {
    async putTargetStatus(statuses) {
      const groups = Map.groupBy(statuses, ({ cluster, check }) => JSON.stringify([cluster, check]));
      await forEachAtOnce([...groups.values()], AT_ONCE, merge);
    },
    async listTargetStatus() {
      const heads = await Promise.all(buckets('status').map((pk) => table.query({ pk })));
      const stored = await openRecords<TargetStatus[]>(table, heads.flat());
      return stored.flatMap(({ value }) => value).sort(byTarget);
    },
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
    prune: (olderThanMs) => prune(world, olderThanMs),
  };
}

function byTarget(a: TargetStatus, b: TargetStatus): number {
  const [x, y] = [a, b].map(({ cluster, node, check }) => `${cluster}\n${node}\n${check}`);
  return (x ?? '') < (y ?? '') ? -1 : 1;
}
