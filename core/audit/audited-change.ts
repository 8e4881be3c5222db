import { describeError } from '../errors.ts';
import type { AuditAction } from '../model/audit.ts';

/** Changes state; describes for the audit what it changed. */
export type Change<T> = () => Promise<{ result: T; subject: string; detail: string }>;

/** Calls `run`, and then appends a line about it, also after a failure. @throws what `run` and `append` throw */
export async function auditedChange<T>(
  append: (action: AuditAction) => Promise<void>,
  line: Omit<AuditAction, 'subject' | 'detail' | 'outcome'>,
  run: Change<T>,
): Promise<T> {
  let done: Awaited<ReturnType<Change<T>>>;
  try {
    done = await run();
  } catch (error) {
    await append({ ...line, subject: '', detail: describeError(error), outcome: 'failed' });
    throw error;
  }
  const { result, subject, detail } = done;
  await append({ ...line, subject, detail, outcome: 'ok' });
  return result;
}
