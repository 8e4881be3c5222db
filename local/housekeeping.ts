import { describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { Clock, Logger, Meter, SampleStore, StateStore } from '../core/ports.ts';
import type { ChartFiles } from './chart-files.ts';
import type { Sleep } from './clock.ts';
import type { Faults } from './faults.ts';

const EVERY_MS = 3_600_000;
/** Closed incidents, transitions and deliveries can be read this long. */
const HISTORY_MS = 90 * 24 * EVERY_MS;

/**
 * Rolls samples up and deletes records after their retention, soon after the start and every hour, until the signal is
 * aborted.
 */
export async function runHousekeeping(options: {
  config: Config;
  store: SampleStore;
  state: StateStore;
  charts: ChartFiles;
  /** Compresses files of the audit, and removes the oldest. */
  maintainAudit: (nowMs: number) => Promise<number>;
  clock: Clock;
  sleep: Sleep;
  logger: Logger;
  meter: Meter;
  faults: Faults;
  signal: AbortSignal;
}): Promise<void> {
  const { config, store, state, charts, maintainAudit, clock, sleep, logger, meter, faults, signal } =
    options;
  while (!signal.aborted) {
    try {
      const nowMs = clock.nowMs();
      // Rolls up before it prunes, because roll-ups are kept longer than their samples.
      await store.rollUp(nowMs - config.schedule.latenessMs);
      const { retentionMs, rollUpRetentionMs } = config.store;
      const rows = await store.prune(nowMs - retentionMs, nowMs - rollUpRetentionMs);
      const records = await state.prune(nowMs - HISTORY_MS);
      const pictures = await charts.prune(nowMs);
      const auditLines = await maintainAudit(nowMs);
      if (rows + records + pictures + auditLines > 0)
        logger.info('removed data after their retention', { rows, records, pictures, auditLines });
      faults.clear('housekeeping-failing');
    } catch (error) {
      meter.count('housekeeping_failures_total');
      faults.raise({
        kind: 'warning',
        code: 'housekeeping-failing',
        words: 'data after their retention could not be removed: the disk may fill up',
        detail: describeError(error),
      });
      logger.error('housekeeping failed; it is tried again', { error: describeError(error) });
    }
    await sleep(EVERY_MS, signal);
  }
}
