import { join } from 'node:path';
import { auditedChange, type Change } from '../core/audit/audited-change.ts';
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
  run: Change<T>,
): Promise<T> {
  const dir = join(config.store.path, 'cli', 'actions');
  const lock = await lockFolderSoon(dir);
  try {
    return await withAnchoredAudit(config, { dir, writer: 'cli-actions' }, (audit) =>
      auditedChange(
        (line) => audit.append([line]),
        { ...action, ...actorOf(), atMs: systemClock.nowMs() },
        run,
      ),
    );
  } finally {
    lock.release();
  }
}
