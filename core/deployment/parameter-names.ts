// The parameters of Systems Manager that each function reads: those that its section of the configuration names.

import type { Config } from '../model/config.ts';
import { referencesIn } from './on-aws.ts';

export interface ParameterNames {
  /** For logins to bastions and nodes, and for what checks log in to services with. */
  logins: readonly string[];
  store: readonly string[];
  channels: readonly string[];
  heartbeat: readonly string[];
  /** For logins of people to the history service. */
  oidc: readonly string[];
}

export function parameterNames(config: Config): ParameterNames {
  const logins = [...config.bastions, ...config.clusters];
  return {
    logins: parametersIn([
      ...logins.map(({ privateKey, passphrase, agent }) => [privateKey, passphrase, agent]),
      ...config.checks.map(({ options }) => options),
    ]),
    store: parametersIn(config.store.options),
    channels: parametersIn(config.channels.map(({ options }) => options)),
    heartbeat: parametersIn(config.server.heartbeat),
    oidc: parametersIn(config.server.oidc),
  };
}

/** Names of the parameters that a value refers to. */
export function parametersIn(value: unknown): string[] {
  const names = referencesIn(value)
    .filter(({ kind }) => kind === 'ssm')
    // A colon separates the parameter's name from a version or label.
    .map(({ name }) => name.replace(/:.*$/, ''));
  return [...new Set(names)].sort();
}
