import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Option } from 'commander';
import { HISTORY_MS, openDynamoState } from '../adapters/state/dynamodb/state.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import type { Config } from '../core/config/types.ts';
import type { StateStore } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';

/** `up` writes beside us; its transactions are short. */
const BUSY_MS = 10_000;

export function tableOption(): Option {
  return new Option(
    '--table <name>',
    'of a deployment on AWS: its table of state; account, region and endpoint as for every program of AWS',
  );
}

/** State for reading, beside a running `up` or the functions of a deployment. @throws ConfigError | RetryableError */
export async function openStateToRead({ store }: Config, table: string | undefined): Promise<StateStore> {
  return table === undefined
    ? openSqliteState({ path: store.path, readOnly: true, busyTimeoutMs: BUSY_MS })
    : openDynamoState({ table, clock: systemClock, historyMs: HISTORY_MS });
}

/** The same for writing. A file that an older `up` may have open is not brought up to date under it. */
export async function openStateToWrite(config: Config, table: string | undefined): Promise<StateStore> {
  if (table !== undefined) return openStateToRead(config, table);
  const { path } = config.store;
  if (existsSync(join(path, 'state.db'))) await openSqliteState({ path, readOnly: true }).close();
  return openSqliteState({ path, busyTimeoutMs: BUSY_MS });
}

/** Whether there is any state yet. */
export function hasState({ store }: Config, table: string | undefined): boolean {
  return table !== undefined || existsSync(join(store.path, 'state.db'));
}

/** Closes the state behind what reads or writes it, whatever becomes of that. */
export async function withState<T>(state: StateStore, run: (state: StateStore) => Promise<T>): Promise<T> {
  try {
    return await run(state);
  } finally {
    await state.close();
  }
}
