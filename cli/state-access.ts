import { join } from 'node:path';
import { Option } from 'commander';
import { findDeployedTable } from '../adapters/aws/deployed-table.ts';
import { DATABASES } from '../adapters/sqlite/integrity.ts';
import { isPresent } from '../adapters/sqlite/presence.ts';
import { HISTORY_MS, openDynamoState } from '../adapters/state/dynamodb/state.ts';
import { openPostgresState } from '../adapters/state/postgres/state.ts';
import { postgresOptionsOf } from '../adapters/state/registry.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { referencesIn } from '../core/deployment/on-aws.ts';
import { ConfigError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { StateStore } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';
import { deploymentNameArgument } from './arguments.ts';
import { secretsFor } from './config-file.ts';

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
export function isForAws({ store, state, bastions, clusters }: Config): boolean {
  const logins = [...bastions, ...clusters].map(({ privateKey }) => privateKey);
  return (
    state === undefined && store.type !== 'sqlite' && referencesIn(logins).some(({ kind }) => kind === 'ssm')
  );
}

/**
 * State for reading, beside a running `up` or the functions of a deployment. `file`: the configuration, from whose folder secrets
 * are resolved. @throws ConfigError | RetryableError
 */
export async function openStateToRead(
  config: Config,
  table: string | undefined,
  file: string,
): Promise<StateStore> {
  if (table !== undefined) return openDynamoState({ table, clock: systemClock, historyMs: HISTORY_MS });
  const postgres = postgresOptionsOf(config);
  return postgres
    ? openPostgresState(postgres, { secrets: secretsFor(file) })
    : openStateOfFolder(config.store.path);
}

/** State for writing; a file that an older `up` may have open is not migrated. */
export async function openStateToWrite(
  config: Config,
  table: string | undefined,
  file: string,
): Promise<StateStore> {
  return table === undefined && !isStateShared(config)
    ? openStateFile(config.store.path)
    : openStateToRead(config, table, file);
}

/** The state of a data folder, for reading: of this machine alone, where several share the state of alerts. */
export function openStateOfFolder(path: string): StateStore {
  return openSqliteState({ path, readOnly: true, busyTimeoutMs: BUSY_MS });
}

/** The state of a data folder, for writing. @throws ConfigError | RetryableError */
export async function openStateFile(path: string): Promise<StateStore> {
  if (hasStateOfFolder(path)) await openSqliteState({ path, readOnly: true }).close();
  return openSqliteState({ path, busyTimeoutMs: BUSY_MS });
}

/** Whether state exists, as far as one can know without asking a server. @throws ConfigError when this user may not read the folder */
export function hasState(config: Config, table: string | undefined): boolean {
  return table !== undefined || isStateShared(config) || hasStateOfFolder(config.store.path);
}

export function hasStateOfFolder(path: string): boolean {
  return isPresent(join(path, DATABASES.state));
}

/** Whether processes on several machines share it. */
export function isStateShared(config: Config): boolean {
  return postgresOptionsOf(config) !== undefined;
}

/** Calls `run`, then closes the state, also after a failure. */
export async function withState<T>(state: StateStore, run: (state: StateStore) => Promise<T>): Promise<T> {
  try {
    return await run(state);
  } finally {
    await state.close();
  }
}
