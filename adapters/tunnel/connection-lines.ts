import { randomBytes } from 'node:crypto';
import { describeError } from '../../core/errors.ts';
import type { AuditEntry } from '../../core/model/audit.ts';
import type { Audit, Logger } from '../../core/ports.ts';
import type { RouteOptions } from './route.ts';

interface Carried {
  bytes: number;
  bytesSent: number;
}

/** The audit lines of a tunnel. */
export interface ConnectionLines {
  /** Writes a line in the background. One that cannot be written now is written later: the audit keeps it. */
  record(entry: AuditEntry): void;
  /**
   * Resolves when the first line of a connection is on disk; the returned function writes the second.
   * @throws what the audit throws: then nothing may be connected
   */
  begin(fingerprint: string): Promise<(outcome: string, carried?: Carried) => void>;
}

const NOTHING: Carried = { bytes: 0, bytesSent: 0 };

export function createConnectionLines(
  options: Pick<RouteOptions, 'bastion' | 'target' | 'service' | 'via' | 'accessor' | 'nowMs'> & {
    audit: Audit;
    logger: Pick<Logger, 'debug' | 'error'>;
  },
): ConnectionLines {
  const { audit, logger, bastion, target, service, via, accessor, nowMs } = options;
  const id = randomBytes(4).toString('hex');
  let numbered = 0;

  function record(entry: AuditEntry): void {
    audit.append([entry]).catch((error: unknown) => {
      logger.error('the audit is not written', { error: describeError(error) });
    });
  }

  return {
    record,
    async begin(hostKeyFingerprint) {
      const atMs = nowMs();
      const connection = `${id}-${numbered++}`;
      const line = {
        atMs,
        ...accessor,
        connection,
        bastion: bastion.name,
        target: `${target.cluster}/${target.node}`,
        hostKeyFingerprint,
        command: `${via} → ${service.host}:${service.port}`,
      };
      await audit.append([{ ...line, event: 'opened', durationMs: 0, bytes: 0, outcome: 'opened' }]);
      return (outcome, { bytes, bytesSent } = NOTHING) => {
        const durationMs = nowMs() - atMs;
        logger.debug('a connection ended', { connection, outcome, durationMs, bytes, bytesSent });
        record({ ...line, event: 'closed', durationMs, bytes, bytesSent, outcome });
      };
    },
  };
}
