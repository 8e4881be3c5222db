import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAuditFile } from '../adapters/audit/file.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import type { AuditAction } from '../core/model/audit.ts';
import type { Config } from '../core/model/config.ts';
import { systemClock } from '../local/clock.ts';
import { lockFolder } from '../local/lock.ts';
import { actorOf } from './actor.ts';

/** Another command has the folder only while it writes its line. */
const TRIES = 50;
const PAUSE_MS = 100;

/**
 * Calls `run`, which changes state, and then appends a line about it, also after a failure. The file is hash-chained,
 * and another one than that of `trust`. It is open before `run` changes anything.
 */
export async function withActionAudit<T>(
  config: Config,
  action: Pick<AuditAction, 'action'>,
  run: () => Promise<{ result: T; subject: string; detail: string }>,
): Promise<T> {
  const dir = join(config.store.path, 'cli', 'actions');
  const lock = await lockSoon(dir);
  try {
    const audit = await createAuditFile({ file: join(dir, 'audit.jsonl'), writer: 'cli-actions' });
    const line = { ...action, ...actorOf(), atMs: systemClock.nowMs() };
    try {
      const { result, subject, detail } = await run();
      await audit.append([{ ...line, subject, detail, outcome: 'ok' }]);
      return result;
    } catch (error) {
      await audit.append([{ ...line, subject: '', detail: describeError(error), outcome: 'failed' }]);
      throw error;
    } finally {
      await audit.close();
    }
  } finally {
    lock.release();
  }
}

async function lockSoon(dir: string): Promise<{ release(): void }> {
  for (let tried = 1; ; tried++) {
    try {
      return lockFolder(dir);
    } catch (error) {
      if (!(error instanceof ConfigError) || tried === TRIES) throw error;
      await sleep(PAUSE_MS);
    }
  }
}
