import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAuditFile } from '../adapters/audit/file.ts';
import type { Config } from '../core/config/types.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import type { AuditAction } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';
import { lockFolder } from '../local/lock.ts';

/** Another command writes its line and is gone. */
const TRIES = 50;
const PAUSE_MS = 100;

/**
 * Does what changes state, and writes a line about it behind it, whatever became of it, into a hash-chained file of its
 * own beside that of `trust`. The file is ready before anything is changed.
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
    const line = { ...action, actor: `cli:${loginName()}`, atMs: systemClock.nowMs() };
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

/** Who is at the keyboard; a container may know users by number alone. */
export function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env.USER ?? 'unknown';
  }
}
