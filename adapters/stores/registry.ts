import { z } from 'zod';
import { byteSizeSchema } from '../../core/duration.ts';
import { ConfigError } from '../../core/errors.ts';
import type { Config } from '../../core/model/config.ts';
import type { Clock, SampleStore, Secrets } from '../../core/ports.ts';
import { prometheus } from './prometheus/prometheus.ts';
import { openSqliteStore } from './sqlite/store.ts';
import type { StoreAdapter } from './store-adapter.ts';
import { timestream } from './timestream/timestream.ts';

/** Less would not hold a minute of some thousand nodes. */
const LEAST_BYTES = 16 * 1024 ** 2;

const sqliteOptions = z.strictObject({
  maxSize: byteSizeSchema
    .refine((bytes) => bytes >= LEAST_BYTES, { error: 'this must be 16MiB at least' })
    .describe(
      'What samples and roll-ups may take: beyond it the oldest go, before their retention is over, but nothing that rules in force still read. The log of the database adds up to 64 MiB',
    )
    .optional(),
});
type SqliteOptions = z.infer<typeof sqliteOptions>;

const sqlite: StoreAdapter<SqliteOptions> = {
  type: 'sqlite',
  title: 'Embedded database: a file in the data folder',
  options: sqliteOptions,
  isLocal: true,
  timeoutMs: () => 0,
  open: async ({ path, readOnly, options }) => openSqliteStore({ path, readOnly, maxBytes: options.maxSize }),
};

/** Sample stores; the first is the default. */
export const STORES: readonly StoreAdapter[] = [sqlite, prometheus, timestream];

/** How long one request to the configured store may take; 0 for one that is a file. @throws ZodError */
export function storeTimeoutMs({ type, options }: Pick<Config['store'], 'type' | 'options'>): number {
  const adapter = STORES.find((store) => store.type === type);
  return adapter?.timeoutMs(adapter.options.parse(options)) ?? 0;
}

/** Whether the configured store must be given the last values of slow checks again. */
export function repeatsValues({ type }: Pick<Config['store'], 'type'>): boolean {
  return STORES.find((store) => store.type === type)?.repeats === true;
}

/** Opens the configured store. @throws ConfigError */
export async function openStore(
  store: Config['store'],
  deps: { secrets: Secrets; clock: Clock; readOnly?: boolean },
): Promise<SampleStore> {
  const adapter = STORES.find(({ type }) => type === store.type);
  if (!adapter) throw new ConfigError(`store.type: there is no store of type ${store.type}`);
  return adapter.open({ path: store.path, options: adapter.options.parse(store.options), ...deps });
}
