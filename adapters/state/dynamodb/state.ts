import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, StateStore } from '../../../core/ports.ts';
import type { AwsClient } from '../../aws/client.ts';
import { createAlerts } from './alerts.ts';
import type { StateContext } from './context.ts';
import { openDynamoTable } from './dynamo-table.ts';
import { createIncidents } from './incidents.ts';
import { createLateSamples } from './late-samples.ts';
import { createPaces } from './paces.ts';
import { createRecords } from './records.ts';
import { createSilences } from './silences.ts';
import type { Table } from './table.ts';
import { createTokens } from './tokens.ts';

/** Closed incidents, notified transitions, deliveries and ended silences of a deployment stay readable this long. */
export const HISTORY_MS = 90 * 24 * 3_600_000;

export interface DynamoStateOptions {
  /** Name of the table, laid out as TABLE_DEFINITION says. */
  table: string;
  clock: Clock;
  /** How long closed incidents, notified transitions and deliveries stay. */
  historyMs: number;
  client?: AwsClient;
}

/**
 * Alerts, transitions, outbox, incidents and records in one table of DynamoDB, for any number of processes. Each commit
 * is one transaction, except that of an alert with more than 48 new transitions, which are written in several, oldest
 * first, the alert with the last; and of some 30 incidents or more, see `commitIncidents`. Listing incidents, transitions and deliveries may miss what was written a moment ago;
 * whatever decides does not. Needs dynamodb:BatchGetItem, Query, PutItem, DeleteItem and ConditionCheckItem on the table,
 * and Query on its indexes.
 * @throws ConfigError | PermanentError | RetryableError see `openDynamoTable`
 */
export async function openDynamoState(options: DynamoStateOptions): Promise<StateStore> {
  const table = await openDynamoTable({ ...options, sleep: (ms) => sleep(ms) });
  return createTableState(table, options);
}

/** The same over any table. */
export function createTableState(
  table: Table,
  options: Pick<DynamoStateOptions, 'clock' | 'historyMs'> & Partial<Pick<StateContext, 'sleep' | 'random'>>,
): StateStore {
  const { clock, historyMs } = options;
  const context: StateContext = {
    table,
    clock,
    expiresAt: (ms) => Math.ceil((ms + historyMs) / 1000),
    sleep: options.sleep ?? ((ms) => sleep(ms)),
    random: options.random ?? Math.random,
  };
  return {
    ...createAlerts(context),
    ...createIncidents(context),
    ...createPaces(context),
    ...createRecords(context),
    ...createSilences(context),
    ...createTokens(context),
    ...createLateSamples(context),
    close: () => table.close(),
  };
}
