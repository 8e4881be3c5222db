import { join } from 'node:path';
import { createAuditFile } from '../adapters/audit/file.ts';
import type { Audit } from '../core/ports.ts';
import { lockFolder } from '../local/lock.ts';

/**
 * Locks the folder of the commands' own audit, opens it, and calls `run`, which logs in to bastions or nodes. Closes
 * both in any case, because Node prints a warning on stderr when garbage collection closes a file.
 * @throws ConfigError when another command has the folder, or the audit cannot be written
 */
export async function withAccessAudit<T>(storePath: string, run: (audit: Audit) => Promise<T>): Promise<T> {
  const dir = join(storePath, 'cli');
  const lock = lockFolder(dir);
  try {
    const audit = await createAuditFile({ file: join(dir, 'audit.jsonl'), writer: 'cli' });
    try {
      return await run(audit);
    } finally {
      await audit.close();
    }
  } finally {
    lock.release();
  }
}
