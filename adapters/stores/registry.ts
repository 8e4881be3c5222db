import { z } from 'zod';
import type { Config } from '../../core/config/types.ts';
import { ConfigError } from '../../core/errors.ts';
import type { Clock, SampleStore, Secrets } from '../../core/ports.ts';
import { prometheus } from './prometheus/prometheus.ts';
import { openSqliteStore } from './sqlite/store.ts';
import type { StoreAdapter } from './store-adapter.ts';
import { timestream } from './timestream/timestream.ts';

const sqlite: StoreAdapter<Record<string, never>> = {
  type: 'sqlite',
  title: 'Embedded database: a file in the data folder',
  options: z.strictObject({}),
  open: async ({ path, readOnly }) => openSqliteStore({ path, readOnly }),
};

/** Sample stores; the first is the default. */
export const STORES = [sqlite, prometheus, timestream] as const;

/** Opens the configured store. @throws ConfigError */
export async function openStore(
  store: Config['store'],
  deps: { secrets: Secrets; clock: Clock; readOnly?: boolean },
): Promise<SampleStore> {
  const adapter = STORES.find(({ type }) => type === store.type) as StoreAdapter<unknown> | undefined;
  if (!adapter) throw new ConfigError(`store.type: there is no store of type ${store.type}`);
  return adapter.open({ path: store.path, options: adapter.options.parse(store.options), ...deps });
}
