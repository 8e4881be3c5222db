import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, RetryableError } from '../../core/errors.ts';
import type { Audit, AuditEntry } from '../../core/ports.ts';
import { type ChainHead, chainLine, GENESIS, readLine, tornMarker } from './chain.ts';

export interface AuditFileOptions {
  /** JSON lines; made if it is not there. One process writes it at a time. */
  file: string;
  /** Whose chain it is. */
  writer: string;
  nowMs?: () => number;
  /** What comes within this time is flushed to the disk together: a flush costs more than a line. */
  gatherMs?: number;
}

const NEWLINE = 10;
/** A line has some 500 bytes; the end of the file that is read to find the last one. */
const TAIL_BYTES = 64 * 1024;

/**
 * The audit as a file that is only appended to, each line chained to the one before. It goes on where it ended; a line
 * left unfinished by a crash stays, with a line behind it that says so. @throws ConfigError if its end is not ours
 */
export async function createAuditFile(options: AuditFileOptions): Promise<Audit> {
  const { file, writer, nowMs = Date.now, gatherMs = 10 } = options;
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(file, 'a+', 0o600);
  let head: ChainHead;
  try {
    head = await recover();
  } catch (error) {
    await handle.close();
    throw error;
  }

  let queue: AuditEntry[] = [];
  let tail: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  let damaged = false;

  /** Finds the end of the chain, and marks what a crash left behind it. */
  async function recover(): Promise<ChainHead> {
    const end = await readEnd(handle);
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

  async function writeDurably(text: string): Promise<void> {
    await handle.appendFile(text);
    await handle.datasync();
  }

  /** Writes all that waits, with one flush to the disk. */
  async function flush(): Promise<void> {
    const entries = queue;
    queue = [];
    next = undefined;
    try {
      if (damaged) head = await recover();
      damaged = false;
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
      throw new RetryableError(`the audit ${file} cannot be written`, { cause });
    }
  }

  return {
    append(entries) {
      if (entries.length === 0) return Promise.resolve();
      queue.push(...entries);
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

/** The last line that is ours, and what stands behind it; undefined where there is no such line near the end. */
async function readEnd(handle: FileHandle): Promise<{ head: ChainHead; rest: Buffer } | undefined> {
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
  // The very first line was not finished, or there is none yet.
  return tail.length === size && !tail.includes('"sequence":2,') ? { head: GENESIS, rest: tail } : undefined;
}
