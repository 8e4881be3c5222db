import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, RetryableError } from '../../core/errors.ts';
import { appendAll } from '../../core/extremes.ts';
import type { Audit, AuditAction, AuditEntry } from '../../core/ports.ts';
import { type ChainHead, chainLine, GENESIS, readLine, tornMarker } from './chain.ts';
import { listParts, partName } from './parts.ts';

export interface AuditFileOptions {
  /** JSON lines; made if it is not there. One process writes it at a time. */
  file: string;
  /** Whose chain it is. */
  writer: string;
  nowMs?: () => number;
  /** What comes within this time is flushed to the disk together: a flush costs more than a line. */
  gatherMs?: number;
  /** A longer file becomes a part of its own (see parts.ts); the chain goes on in the next. Nothing deletes parts. */
  partBytes?: number;
}

const NEWLINE = 10;
/** A line has some 500 bytes; the end of the file that is read to find the last one. */
const TAIL_BYTES = 64 * 1024;
/** What a crash can leave of the first line of a file. */
const FIRST_LINE_BYTES = 4 * 1024;
const PART_BYTES = 256 * 1024 * 1024;
/** Kept for the next try while the disk does not take them. */
const MAX_WAITING = 100_000;

/**
 * The audit as a file that is only appended to, each line chained to the one before. It goes on where it ended; a line
 * left unfinished by a crash stays, with a line behind it that says so. @throws ConfigError if its end is not ours
 */
export async function createAuditFile(options: AuditFileOptions): Promise<Audit<AuditEntry | AuditAction>> {
  const { file, writer, nowMs = Date.now, gatherMs = 50, partBytes = PART_BYTES } = options;
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

  /** Finds the end of the chain, and marks what a crash left behind it. */
  async function recover(): Promise<ChainHead> {
    const end = await readEnd(handle, await headOfParts());
    if (end === undefined) {
      throw new ConfigError(
        `the audit ${file} does not end as we write it; keep it under another name and look why`,
      );
    }
    const { head: last, rest } = end;
    if (rest.length === 0) return last;
    // A line that lacks nothing but its end.
    const whole = readLine(rest.toString('utf8'));
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

  async function headOfParts(): Promise<ChainHead> {
    const last = (await listParts(file)).at(-1);
    if (last === undefined) return GENESIS;
    const part = await open(last, 'r');
    const end = await readEnd(part, GENESIS).finally(() => part.close());
    if (end === undefined) throw new ConfigError(`the audit ${last} does not end as we write it`);
    return end.head;
  }

  /** The file becomes a finished part; the chain goes on in a new one. */
  async function startPart(): Promise<void> {
    await handle.close();
    await rename(file, partName(file, head.sequence));
    handle = await open(file, 'a+', 0o600);
    size = 0;
  }

  async function writeDurably(text: string): Promise<void> {
    await handle.appendFile(text);
    await handle.datasync();
    size += Buffer.byteLength(text);
  }

  /** Writes all that waits, with one flush to the disk. */
  async function flush(): Promise<void> {
    const entries = queue;
    queue = [];
    next = undefined;
    try {
      if (damaged) head = await recover();
      damaged = false;
      if (size > partBytes) await startPart();
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
      // What was written in spite of the error is then there twice: better than not at all.
      queue = [...entries, ...queue].slice(0, MAX_WAITING);
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
 * The last line that is ours, and what stands behind it; `before` where there is no line yet. Undefined where no such
 * line is near the end.
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
    const fields = readLine(tail.toString('utf8', start, end));
    if (fields) {
      return { head: { sequence: fields.sequence, hash: fields.hash }, rest: tail.subarray(end + 1) };
    }
    end = start - 1;
  }
  return size <= FIRST_LINE_BYTES ? { head: before, rest: tail } : undefined;
}
