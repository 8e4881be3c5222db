import { join } from 'node:path';
import { describeError } from '../core/errors.ts';
import type { AuditAction } from '../core/model/audit.ts';
import type { Config } from '../core/model/config.ts';
import { systemClock } from '../local/clock.ts';
import { actorOf } from './actor.ts';
import { withAnchoredAudit } from './anchored-audit.ts';
import { lockFolderSoon } from './folder-lock.ts';

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
  const lock = await lockFolderSoon(dir);
  try {
    return await withAnchoredAudit(config, { dir, writer: 'cli-actions' }, async (audit) => {
      const line = { ...action, ...actorOf(), atMs: systemClock.nowMs() };
      try {
        const { result, subject, detail } = await run();
        await audit.append([{ ...line, subject, detail, outcome: 'ok' }]);
        return result;
      } catch (error) {
        await audit.append([{ ...line, subject: '', detail: describeError(error), outcome: 'failed' }]);
        throw error;
      }
    });
  } finally {
    lock.release();
  }
}
