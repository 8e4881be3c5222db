import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, RetryableError } from '../../core/errors.ts';
import type { AuditAction, AuditEntry } from '../../core/model/audit.ts';
import { appendAll } from '../../core/numbers/extremes.ts';
import type { Audit } from '../../core/ports.ts';
import { type ChainHead, chainLine, GENESIS, parseChainLine, tornMarker } from './chain.ts';
import { listRotatedFiles, rotatedName } from './rotated-files.ts';

export interface AuditFileOptions {
  /** JSON lines; created if missing. One process writes it at a time. */
  file: string;
  /** Name of the writer, in each line. */
  writer: string;
  nowMs?: () => number;
  /** Entries within this time share one flush to the disk, which costs more than a line. */
  gatherMs?: number;
  /** A longer file is renamed (see rotated-files.ts), and the chain continues in a new one. Nothing deletes rotated files. */
  rotateAtBytes?: number;
  /** How many entries wait in memory while the disk rejects writes; the newest beyond that are lost. */
  maxWaiting?: number;
  /** Called with the number of entries that were lost so. */
  onLost?: (entries: number) => void;
}

const NEWLINE = 10;
/** How much of the end of a file is read to find its last line, which has some 500 bytes. */
const TAIL_BYTES = 64 * 1024;
/** The most that a crash can leave of the first line of a file. */
const FIRST_LINE_BYTES = 4 * 1024;
const ROTATE_AT_BYTES = 256 * 1024 * 1024;
const MAX_WAITING = 100_000;

/**
 * The audit as an append-only file, each line chained to the one before. Continues an existing file; an unfinished line
 * that a crash left stays, followed by a line that marks it. @throws ConfigError if the end of the file is not an audit
 */
export async function createAuditFile(options: AuditFileOptions): Promise<Audit<AuditEntry | AuditAction>> {
  const {
    file,
    writer,
    nowMs = Date.now,
    gatherMs = 50,
    rotateAtBytes = ROTATE_AT_BYTES,
    maxWaiting = MAX_WAITING,
    onLost = () => {},
  } = options;
  await mkdir(dirname(file), { recursive: true });
  let handle = await open(file, 'a+', 0o600);
  let { size } = await handle.stat();
  let head: ChainHead;
  try {
    head = await recover();
  } catch (error) {
    await handle.close();
    throw error;
  }

  let queue: (AuditEntry | AuditAction)[] = [];
  let tail: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  let damaged = false;

  /** Finds the end of the chain, and marks an unfinished line after it. */
  async function recover(): Promise<ChainHead> {
    const end = await readEnd(handle, await headOfRotated());
    if (end === undefined) {
      throw new ConfigError(
        `the audit ${file} has an unknown end; keep it under another name and find the cause`,
      );
    }
    const { head: last, rest } = end;
    if (rest.length === 0) return last;
    // The line lacks nothing but the line feed.
    const whole = parseChainLine(rest.toString('utf8'));
    if (whole?.previous === last.hash) {
      await writeDurably('\n');
      return { sequence: whole.sequence, hash: whole.hash };
    }
    const ended = rest.at(-1) === NEWLINE;
    const marker = tornMarker(ended ? rest.subarray(0, -1) : rest);
    const { line, head } = chainLine(last, { writer, at: new Date(nowMs()).toISOString(), ...marker });
    await writeDurably(`${ended ? '' : '\n'}${line}\n`);
    return head;
  }

  async function headOfRotated(): Promise<ChainHead> {
    const last = (await listRotatedFiles(file)).at(-1);
    if (last === undefined) return GENESIS;
    const rotated = await open(last, 'r');
    const end = await readEnd(rotated, GENESIS).finally(() => rotated.close());
    if (end === undefined) throw new ConfigError(`the audit ${last} has an unknown end`);
    return end.head;
  }

  /** Renames the file, and continues the chain in a new one. */
  async function rotate(): Promise<void> {
    await handle.close();
    await rename(file, rotatedName(file, head.sequence));
    handle = await open(file, 'a+', 0o600);
    size = 0;
  }

  async function writeDurably(text: string): Promise<void> {
    await handle.appendFile(text);
    await handle.datasync();
    size += Buffer.byteLength(text);
  }

  /** Writes all waiting entries, with one flush to the disk. */
  async function flush(): Promise<void> {
    const entries = queue;
    queue = [];
    next = undefined;
    try {
      if (damaged) head = await recover();
      damaged = false;
      if (size > rotateAtBytes) await rotate();
      let end = head;
      let text = '';
      for (const { atMs, ...fields } of entries) {
        const chained = chainLine(end, { writer, at: new Date(atMs).toISOString(), ...fields });
        end = chained.head;
        text += `${chained.line}\n`;
      }
      await writeDurably(text);
      head = end;
    } catch (cause) {
      damaged = true;
      // Entries that were written in spite of the error appear twice, which is better than losing them.
      const waiting = [...entries, ...queue];
      queue = waiting.slice(0, maxWaiting);
      if (waiting.length > maxWaiting) onLost(waiting.length - maxWaiting);
      throw new RetryableError(`the audit ${file} cannot be written`, { cause });
    }
  }

  return {
    append(entries) {
      if (entries.length === 0) return Promise.resolve();
      appendAll(queue, entries);
      if (next === undefined) {
        next = tail.then(() => sleep(gatherMs)).then(flush);
        tail = next.catch(() => {});
      }
      return next;
    },
    head: () => ({ writer, ...head }),
    async close() {
      await tail;
      await handle.close();
    },
  };
}

/**
 * Finds the last valid line and the bytes after it; `before` if there is no line yet. Undefined if no valid line is near
 * the end.
 */
async function readEnd(
  handle: FileHandle,
  before: ChainHead,
): Promise<{ head: ChainHead; rest: Buffer } | undefined> {
  const { size } = await handle.stat();
  const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
  await handle.read(tail, 0, tail.length, size - tail.length);
  let end = tail.lastIndexOf(NEWLINE);
  while (end >= 0) {
    const start = end === 0 ? 0 : tail.lastIndexOf(NEWLINE, end - 1) + 1;
    const fields = parseChainLine(tail.toString('utf8', start, end));
    if (fields) {
      return { head: { sequence: fields.sequence, hash: fields.hash }, rest: tail.subarray(end + 1) };
    }
    end = start - 1;
  }
  return size <= FIRST_LINE_BYTES ? { head: before, rest: tail } : undefined;
}
