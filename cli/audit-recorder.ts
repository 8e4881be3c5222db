import type { AuditEntry } from '../core/model/audit.ts';
import type { Audit } from '../core/ports.ts';

/**
 * Writes each line when it comes, so that a command that is killed leaves those of its accesses so far. `written` rejects with
 * the first failure.
 */
export function createAuditRecorder(audit: Pick<Audit, 'append'>): {
  record: (entry: AuditEntry) => void;
  written: () => Promise<void>;
} {
  let failure: { cause: unknown } | undefined;
  let last: Promise<void> = Promise.resolve();
  return {
    record(entry) {
      const append = audit.append([entry]).catch((cause: unknown) => {
        failure ??= { cause };
      });
      last = last.then(() => append);
    },
    async written() {
      await last;
      if (failure) throw failure.cause;
    },
  };
}
