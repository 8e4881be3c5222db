import { setTimeout as sleep } from 'node:timers/promises';
import { appendAll } from '../../core/extremes.ts';
import type { Audit, AuditEntry } from '../../core/ports.ts';
import type { Bucket } from '../aws/bucket.ts';
import { type ChainHead, chainLine, GENESIS } from './chain.ts';

/** What comes within this time is written together: an object costs more than a line. */
const GATHER_MS = 1_000;

/**
 * The audit as objects that are only added: `PREFIX/DAY/WRITER/SEQUENCE.jsonl`, each line chained to the one before. A
 * writer is one process with a name of its own, and its chain begins with it.
 */
export function createObjectAudit(options: {
  bucket: Pick<Bucket, 'put'>;
  /** Ends with a slash. */
  prefix: string;
  writer: string;
  nowMs: () => number;
  gatherMs?: number;
}): Audit {
  const { bucket, prefix, writer, nowMs, gatherMs = GATHER_MS } = options;
  const place = writer.replace(/[^A-Za-z0-9._/-]+/g, '-');
  let head: ChainHead = GENESIS;
  let waiting: AuditEntry[] = [];
  let next: Promise<void> | undefined;
  let tail: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    const entries = waiting;
    waiting = [];
    if (entries.length === 0) return;
    let after = head;
    const lines = entries.map((entry) => {
      const chained = chainLine(after, { writer, ...entry });
      after = chained.head;
      return chained.line;
    });
    const day = new Date(nowMs()).toISOString().slice(0, 10);
    const key = `${prefix}${day}/${place}/${String(head.sequence + 1).padStart(9, '0')}.jsonl`;
    try {
      const body = Buffer.from(`${lines.join('\n')}\n`);
      await bucket.put(key, body, { contentType: 'application/jsonl' });
      head = after;
    } catch (error) {
      // Not chained yet: they go with the next.
      waiting = [...entries, ...waiting];
      throw error;
    }
  }

  return {
    append(entries) {
      appendAll(waiting, entries);
      next ??= sleep(gatherMs).then(() => {
        next = undefined;
        tail = tail.catch(() => {}).then(flush);
        return tail;
      });
      return next;
    },
    head: () => ({ writer, ...head }),
    async close() {
      await next;
      await tail;
    },
  };
}
