import { mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError, RetryableError } from '../../core/errors.ts';
import type { AuditAction, AuditEntry } from '../../core/model/audit.ts';
import { appendAll } from '../../core/numbers/extremes.ts';
import type { Audit } from '../../core/ports.ts';
import { type AuditMark, type ChainHead, chainLine, GENESIS, isRemoval } from './chain.ts';
import { type ChainKeeper, type OpenChain, openChain } from './open-chain.ts';
import { rotatedName } from './rotated-files.ts';

export interface AuditFileOptions {
  /** JSON lines; created if missing. One process writes it at a time. */
  file: string;
  /** Name of the writer, in each line. */
  writer: string;
  nowMs?: () => number;
  /** Entries within this time share one flush to the disk, which costs more than a line. */
  gatherMs?: number;
  /** A longer file is renamed (see rotated-files.ts), and the chain continues in a new one. */
  rotateAtBytes?: number;
  /** So is a file whose first line is older. */
  rotateAfterMs?: number;
  /** How many entries wait in memory while the disk rejects writes; the newest beyond that are lost. */
  maxWaiting?: number;
  /** Called with the number of entries that were lost so. */
  onLost?: (entries: number) => void;
  /** What state keeps of the chain. Absent: nothing. */
  keeper?: ChainKeeper;
  /** Called when the file cannot be opened; the next write tries again. Absent: `createAuditFile` throws. */
  onUnopened?: (error: unknown) => void;
}

export interface AuditFile extends Audit<AuditEntry | AuditAction> {
  /** Appends a line about the audit itself. It is on disk when this resolves. */
  mark(mark: AuditMark): Promise<void>;
}

const ROTATE_AT_BYTES = 64 * 1024 * 1024;
const ROTATE_AFTER_MS = 7 * 24 * 3_600_000;
const MAX_WAITING = 100_000;

/**
 * The audit as an append-only file, each line chained to the one before. Continues an existing file; an unfinished line
 * that a crash left stays, followed by a line that marks it. A file that does not fit what state keeps of it is put aside, and
 * the chain begins anew (open-chain.ts). @throws RetryableError | ConfigError when the file cannot be opened
 */
export async function createAuditFile(options: AuditFileOptions): Promise<AuditFile> {
  const { file, writer, nowMs = Date.now, gatherMs = 50, maxWaiting = MAX_WAITING } = options;
  const { rotateAtBytes = ROTATE_AT_BYTES, rotateAfterMs = ROTATE_AFTER_MS, onLost = () => {} } = options;
  let queue: (AuditEntry | AuditAction | AuditMark)[] = [];
  let tail: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  let chain: OpenChain | undefined;
  /** The newest head that we know; stronger than the one in state, which is from the last round. */
  let head: ChainHead | undefined;
  try {
    await openAgain();
  } catch (error) {
    if (!options.onUnopened) throw error;
    options.onUnopened(error);
  }

  async function openAgain(): Promise<OpenChain> {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const mine = head && { ...head, atMs: nowMs() };
    chain = await openChain({ file, writer, nowMs, newest: mine, keeper: options.keeper });
    head = chain.head;
    return chain;
  }

  async function closeChain(): Promise<void> {
    const { handle } = chain ?? {};
    chain = undefined;
    await handle?.close();
  }

  /** Whether the file is still the one that we opened, with what we wrote and nothing else. */
  async function isOurs({ handle, size }: OpenChain): Promise<boolean> {
    const opened = await handle.stat();
    const there = await stat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return undefined;
    });
    return there?.ino === opened.ino && there.dev === opened.dev && there.size === size;
  }

  /** The open chain; another file or other content in its stead is examined like at a start. */
  async function openOurs(): Promise<OpenChain> {
    if (chain && !(await isOurs(chain))) await closeChain();
    return chain ?? openAgain();
  }

  /** Renames the file, and continues the chain in a new one. */
  async function rotate({ handle, head: last }: OpenChain): Promise<OpenChain> {
    chain = undefined;
    await handle.close();
    await rename(file, rotatedName(file, last.sequence));
    return openAgain();
  }

  function isDue({ size, startedAtMs = nowMs() }: OpenChain): boolean {
    return size > rotateAtBytes || nowMs() - startedAtMs > rotateAfterMs;
  }

  /** Writes all waiting entries, with one flush to the disk. */
  async function flush(): Promise<void> {
    const entries = queue;
    queue = [];
    next = undefined;
    try {
      let ours = await openOurs();
      if (isDue(ours)) ours = await rotate(ours);
      let end = ours.head;
      let text = '';
      for (const entry of entries) {
        const { atMs = nowMs(), ...fields } = entry as Partial<AuditEntry>;
        const chained = chainLine(end, { writer, at: new Date(atMs).toISOString(), ...fields });
        end = chained.head;
        text += `${chained.line}\n`;
      }
      await ours.handle.appendFile(text);
      await ours.handle.datasync();
      ours.size += Buffer.byteLength(text);
      ours.head = end;
      ours.startedAtMs ??= nowMs();
      head = end;
    } catch (cause) {
      // What was written of it is found when the file is opened again.
      await closeChain().catch(() => {});
      // Entries that were written in spite of the error appear twice, which is better than losing them.
      const waiting = [...entries, ...queue];
      queue = waiting.slice(0, maxWaiting);
      if (waiting.length > maxWaiting) onLost(waiting.length - maxWaiting);
      throw new RetryableError(`the audit ${file} cannot be written (${describeError(cause)})`, { cause });
    }
  }

  function write(entries: readonly (AuditEntry | AuditAction | AuditMark)[]): Promise<void> {
    if (entries.length === 0) return Promise.resolve();
    appendAll(queue, entries);
    if (next === undefined) {
      next = tail.then(() => sleep(gatherMs)).then(flush);
      tail = next.catch(() => {});
    }
    return next;
  }

  return {
    append: write,
    async mark(mark) {
      // State knows it first: nobody believes a removal that only the file has.
      if (isRemoval(mark)) await options.keeper?.recordRemoval(mark.last);
      await write([mark]);
    },
    head: () => ({ writer, ...(head ?? GENESIS) }),
    async close() {
      await tail;
      await closeChain();
    },
  };
}
