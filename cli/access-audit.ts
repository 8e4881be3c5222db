import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RetryableError } from '../core/errors.ts';
import type { AuditEntry } from '../core/model/audit.ts';
import { appendAll } from '../core/numbers/extremes.ts';
import type { Audit } from '../core/ports.ts';
import { type AuditedConfig, withAnchoredAudit } from './anchored-audit.ts';
import { lockFolderSoon } from './folder-lock.ts';

/** Entries within this time share a lock and a flush to the disk. */
const GATHER_MS = 20;
/** Codes of the system, and one of SQLite: https://www.sqlite.org/rescode.html#cantopen */
const NO_FILE_LEFT: readonly unknown[] = ['EMFILE', 'ENFILE', 14];
const FILE_TRIES = 50;
const FILE_PAUSE_MS = 200;
/** Entries that wait while the disk rejects writes. */
const MOST_WAITING = 10_000;

/**
 * Calls `run`, which logs in to bastions or nodes, with the commands' own audit. The audit is proved writable before the
 * first access. Its folder is locked only while lines are written, so that commands run beside a tunnel of hours.
 * @throws ConfigError when the audit cannot be written, RetryableError when lines are missing at the end
 */
export async function withAccessAudit<T>(
  config: AuditedConfig,
  run: (audit: Audit) => Promise<T>,
): Promise<T> {
  const audit = await openSharedAudit(config);
  try {
    return await run(audit);
  } finally {
    await audit.close();
  }
}

/** An audit that was written before, and cannot be opened now, may lack nothing but files. */
function lacksFiles(error: unknown): boolean {
  const causes = [error, (error as Error).cause] as { code?: string; errcode?: number }[];
  return causes.some((each) => NO_FILE_LEFT.includes(each?.code) || NO_FILE_LEFT.includes(each?.errcode));
}

/** An audit that several processes append to: each write locks the folder, continues the chain, and unlocks it. */
async function openSharedAudit(config: AuditedConfig): Promise<Audit> {
  const dir = join(config.store.path, 'cli');
  let waiting: AuditEntry[] = [];
  let lost = 0;
  let next: Promise<void> | undefined;
  let head: ReturnType<Audit['head']> | undefined;

  /** Writes all waiting entries. Connections of this process that end give files back. */
  async function write(): Promise<void> {
    for (let tried = 1; ; tried++) {
      try {
        return await writeOnce();
      } catch (error) {
        if (head === undefined || !lacksFiles(error) || tried === FILE_TRIES) {
          next = undefined;
          throw error;
        }
        await sleep(FILE_PAUSE_MS);
      }
    }
  }

  /** Entries that cannot be written go with the next write. */
  async function writeOnce(): Promise<void> {
    const lock = await lockFolderSoon(dir);
    next = undefined;
    let entries = waiting;
    waiting = [];
    try {
      head = await withAnchoredAudit(config, { dir, writer: 'cli' }, async (audit) => {
        await audit.append(entries);
        entries = [];
        return audit.head();
      });
    } catch (error) {
      const kept = [...entries, ...waiting];
      waiting = kept.slice(0, MOST_WAITING);
      lost += kept.length - waiting.length;
      throw error;
    } finally {
      lock.release();
    }
  }

  let tail = Promise.resolve();
  await write();
  return {
    append(entries) {
      if (entries.length === 0) return Promise.resolve();
      appendAll(waiting, entries);
      if (next === undefined) {
        next = tail.then(() => sleep(GATHER_MS)).then(write);
        tail = next.catch(() => {});
      }
      return next;
    },
    head: () => head ?? { writer: 'cli', sequence: 0, hash: '' },
    async close() {
      await tail;
      if (waiting.length > 0) await write();
      if (lost > 0) throw new RetryableError(`the audit in ${dir} lacks ${lost} lines of this command`);
    },
  };
}
