import type { Alert } from '../core/model/alert.ts';
import { type AlertValue, readAlertValues } from '../core/stages/alert-values.ts';
import type { HistoryConfig, HistoryPorts } from './ports.ts';

/** By id. Where they cannot be read there are none, and alerts have the values that they were last evaluated with. */
export async function readNewestValues(
  { store, logger, clock }: Pick<HistoryPorts, 'store' | 'logger' | 'clock'>,
  config: HistoryConfig,
  alerts: readonly Pick<Alert, 'id' | 'rule' | 'labels'>[],
): Promise<Map<string, AlertValue>> {
  try {
    return await readAlertValues(config, alerts, { store, nowMs: clock.nowMs() });
  } catch (error) {
    logger.warn('the values of alerts cannot be read', { error: String(error) });
    return new Map();
  }
}
