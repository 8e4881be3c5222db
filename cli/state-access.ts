import { join } from 'node:path';
import { Option } from 'commander';
import { findDeployedTable } from '../adapters/aws/deployed-table.ts';
import { isPresent } from '../adapters/sqlite/presence.ts';
import { HISTORY_MS, openDynamoState } from '../adapters/state/dynamodb/state.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { referencesIn } from '../core/deployment/on-aws.ts';
import { ConfigError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { StateStore } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';
import { deploymentNameArgument } from './arguments.ts';

/** `up` writes at the same time; its transactions are short. */
const BUSY_MS = 10_000;

export interface StateOptions {
  name?: string;
  table?: string;
  local?: true;
}

export function nameOption(): Option {
  return new Option(
    '--name <name>',
    'name of a deployment on AWS, as in `-c name=…`, otherwise `bartizan`; account, region and endpoint are configured as for all AWS tools',
  ).argParser(deploymentNameArgument);
}

export function tableOption(): Option {
  return new Option('--table <name>', 'table of state of a deployment on AWS').conflicts('name');
}

export function localOption(): Option {
  return new Option(
    '--local',
    'use the state in `store.path`, although the configuration is for AWS',
  ).conflicts(['name', 'table']);
}

/**
 * The table of state; undefined for the state in `store.path`.
 * @throws ConfigError when a configuration for AWS names no deployment: no function would read a local file
 */
export async function stateTable(
  config: Config,
  { name, table, local }: StateOptions,
): Promise<string | undefined> {
  if (table !== undefined) return table;
  if (name !== undefined) return findDeployedTable(name);
  if (local || !isForAws(config)) return undefined;
  throw new ConfigError(
    'the configuration is one for AWS, whose state is in a table there: write `--name bartizan`, or what `-c name=…` said; ' +
      '`--local` where `bartizan up` runs with it on this machine',
  );
}

/** Functions have no common file of samples, and read their keys from parameters. */
export function isForAws({ store, bastions, clusters }: Config): boolean {
  const logins = [...bastions, ...clusters].map(({ privateKey }) => privateKey);
  return store.type !== 'sqlite' && referencesIn(logins).some(({ kind }) => kind === 'ssm');
}

/** State for reading, beside a running `up` or the functions of a deployment. @throws ConfigError | RetryableError */
export async function openStateToRead({ store }: Config, table: string | undefined): Promise<StateStore> {
  return table === undefined
    ? openSqliteState({ path: store.path, readOnly: true, busyTimeoutMs: BUSY_MS })
    : openDynamoState({ table, clock: systemClock, historyMs: HISTORY_MS });
}

/** State for writing; a file that an older `up` may have open is not migrated. */
export async function openStateToWrite(config: Config, table: string | undefined): Promise<StateStore> {
  return table === undefined ? openStateFile(config.store.path) : openStateToRead(config, table);
}

/** The state of a data folder, for writing. @throws ConfigError | RetryableError */
export async function openStateFile(path: string): Promise<StateStore> {
  if (isPresent(join(path, 'state.db'))) await openSqliteState({ path, readOnly: true }).close();
  return openSqliteState({ path, busyTimeoutMs: BUSY_MS });
}

/** Whether state exists. @throws ConfigError when this user may not read the folder */
export function hasState({ store }: Config, table: string | undefined): boolean {
  return table !== undefined || isPresent(join(store.path, 'state.db'));
}

/** Calls `run`, then closes the state, also after a failure. */
export async function withState<T>(state: StateStore, run: (state: StateStore) => Promise<T>): Promise<T> {
  try {
    return await run(state);
  } finally {
    await state.close();
  }
}
