import { promisify } from 'node:util';
import { gzip as gzipCallback } from 'node:zlib';
import { RetryableError } from '../../core/errors.ts';
import type { AuditAction, AuditEntry } from '../../core/model/audit.ts';
import { appendAll } from '../../core/numbers/extremes.ts';
import type { Audit } from '../../core/ports.ts';
import type { Bucket } from '../aws/bucket.ts';
import { type ChainHead, chainLine, GENESIS } from './chain.ts';

const gzip = promisify(gzipCallback);

/** Entries within this time share one object, which costs more than a line, unless `flush` is called before. */
const GATHER_MS = 20_000;
/** Names to try for one write. Only our own writes whose answers were lost can have taken any. */
const MOST_TRIES = 10;

/**
 * The audit as objects that are only added: `PREFIX/DAY/WRITER/SEQUENCE.jsonl.gz`, each line chained to the one before. Each
 * process is a writer with its own name and its own chain. If `SEQUENCE-2` exists, it contains all of `SEQUENCE`, whose
 * answer was lost on the way.
 */
export function createObjectAudit(options: {
  bucket: Pick<Bucket, 'create'>;
  /** Ends with a slash. */
  prefix: string;
  writer: string;
  nowMs: () => number;
  gatherMs?: number;
}): Audit<AuditEntry | AuditAction> {
  const { bucket, prefix, writer, nowMs, gatherMs = GATHER_MS } = options;
  const folder = writer.replace(/[^A-Za-z0-9._/-]+/g, '-');
  let head: ChainHead = GENESIS;
  let waiting: (AuditEntry | AuditAction)[] = [];
  let next: Promise<void> | undefined;
  let tail: Promise<void> = Promise.resolve();
  let wake = () => {};

  /** Resolves when the entries that came within `gatherMs` are written. */
  async function gather(): Promise<void> {
    const due = Promise.withResolvers<void>();
    const timer = setTimeout(due.resolve, gatherMs);
    wake = due.resolve;
    await due.promise;
    clearTimeout(timer);
    next = undefined;
    tail = tail.catch(() => {}).then(write);
    return tail;
  }

  async function flush(): Promise<void> {
    // Tries entries again that could not be written before.
    if (waiting.length > 0) next ??= gather();
    const gathering = next;
    wake();
    await (gathering ?? tail);
  }

  /** Creates an object under an unused name: an existing one is an earlier write of ours whose answer was lost. */
  async function add(name: string, body: Uint8Array): Promise<void> {
    for (let n = 1; n <= MOST_TRIES; n++) {
      const key = `${name}${n === 1 ? '' : `-${n}`}.jsonl.gz`;
      if (await bucket.create(key, body, { contentType: 'application/gzip' })) return;
    }
    throw new RetryableError(`the audit ${name} exists ${MOST_TRIES} times`);
  }

  async function write(): Promise<void> {
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
    const name = `${prefix}${day}/${folder}/${String(head.sequence + 1).padStart(9, '0')}`;
    try {
      await add(name, await gzip(`${lines.join('\n')}\n`));
      head = after;
    } catch (error) {
      // The chain does not contain them yet: they go with the next write.
      waiting = [...entries, ...waiting];
      throw error;
    }
  }

  return {
    append(entries) {
      appendAll(waiting, entries);
      next ??= gather();
      return next;
    },
    flush,
    head: () => ({ writer, ...head }),
    close: flush,
  };
}
