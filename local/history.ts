// The history service of `up`: the host of its process, joined with what the process has.

import type { AuditFile } from '../adapters/audit/file.ts';
import type { Config } from '../core/model/config.ts';
import type { Clock, Secrets } from '../core/ports.ts';
import type { Refusal } from '../history/interfaces.ts';
import { boundRepeats } from './bounded-logger.ts';
import type { Health } from './health.ts';
import { startHistoryChild } from './history-child.ts';
import { createHistoryHost, type History, type HistoryHostOptions } from './history-host.ts';
import type { Question, Reply } from './history-messages.ts';
import type { LocalMeter } from './meter.ts';
import type { HistoryOptions } from './server.ts';

export interface LocalHistoryOptions extends Omit<HistoryHostOptions, 'start' | 'config' | 'meter'> {
  /** In force, as written. */
  config(): Config;
  /** With the clusters of inventories; see `HistoryHostOptions`. */
  wholeConfig(): Config;
  health(): Promise<Health>;
  audit: Pick<AuditFile, 'append'>;
  secrets: Secrets;
  clock: Clock;
  meter: LocalMeter;
}

const SWITCHED_OFF: Refusal = {
  status: 404,
  code: 'switched-off',
  message: 'this server answers no queries: `server.history.enabled` is false',
};

export function createLocalHistory(options: LocalHistoryOptions): HistoryOptions & Pick<History, 'close'> {
  const { config, wholeConfig, secrets, clock, meter } = options;
  const logger = boundRepeats(options.logger, { clock, meter });

  async function reply(question: Question): Promise<Reply> {
    switch (question.of) {
      case 'secret':
        return await (question.isRenewed ? (secrets.renew ?? secrets.resolve) : secrets.resolve)(
          question.text,
        );
      case 'health': {
        const { reasons, warnings } = await options.health();
        return { reasons, warnings };
      }
      case 'action':
        return await options.audit.append([question.action]).then(() => undefined);
    }
  }

  const host = createHistoryHost({
    ...options,
    logger,
    config: wholeConfig,
    start: (whole, onDeath) =>
      startHistoryChild({ config: whole, reply, measure: meter.record, logger, onDeath }),
  });
  return {
    service: () => (config().server.history.enabled ? host : SWITCHED_OFF),
    timeoutMs: () => config().server.history.timeoutMs,
    publicUrl: () => config().server.publicUrl,
    close: host.close,
  };
}
