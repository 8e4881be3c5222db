import { ConfigError } from '../../core/errors.ts';
import type { Config } from '../../core/model/config.ts';
import { dynamodb } from './dynamodb.ts';
import { http } from './http.ts';
import type { ClusterSource, InventoryAdapter, SourceDeps } from './inventory-adapter.ts';
import { ssm } from './ssm.ts';

/** Sources of clusters besides the configuration file. */
export const INVENTORIES = [ssm, dynamodb, http] as const;

/** The configured sources, in order. @throws ConfigError */
export function openSources(inventory: Config['inventory'], deps: SourceDeps): ClusterSource[] {
  return inventory.map(({ type, options }) => {
    const adapter = INVENTORIES.find((candidate) => candidate.type === type) as
      | InventoryAdapter<unknown>
      | undefined;
    if (!adapter) throw new ConfigError(`inventory: there is no source of type ${type}`);
    return adapter.open(adapter.options.parse(options), deps);
  });
}
