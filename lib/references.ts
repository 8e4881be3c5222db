// Which parameters of Systems Manager each function reads: those that its part of the configuration names.
import { findReferences } from '../core/config/secret-text.ts';
import type { Config } from '../core/config/types.ts';

export interface ParameterNames {
  /** What logins to bastions and nodes are made with. */
  logins: readonly string[];
  store: readonly string[];
  channels: readonly string[];
  heartbeat: readonly string[];
}

export function parameterNames(config: Config): ParameterNames {
  const logins = [...config.bastions, ...config.clusters];
  return {
    logins: parametersIn(logins.map(({ privateKey, passphrase, agent }) => [privateKey, passphrase, agent])),
    store: parametersIn(config.store.options),
    channels: parametersIn(config.channels.map(({ options }) => options)),
    heartbeat: parametersIn(config.server.heartbeat),
  };
}

/** References of a configuration's secrets that mean nothing to a function: it has our variables and files not. */
export function localReferences(config: Config): string[] {
  const { bastions, clusters, store, channels, server } = config;
  const all = referencesIn([bastions, clusters, store.options, channels, server.heartbeat]);
  return [...new Set(all.filter(({ kind }) => kind !== 'ssm').map(({ text }) => text))];
}

function parametersIn(value: unknown): string[] {
  const names = referencesIn(value)
    .filter(({ kind }) => kind === 'ssm')
    // A version or label behind a colon is no part of the parameter's name.
    .map(({ name }) => name.replace(/:.*$/, ''));
  return [...new Set(names)].sort();
}

function referencesIn(value: unknown): ReturnType<typeof findReferences> {
  if (typeof value === 'string') return findReferences(value);
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(referencesIn);
}
