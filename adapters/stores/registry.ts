import { z } from 'zod';
import type { SampleStore } from '../../core/ports.ts';
import type { AdapterDescriptor } from '../../core/registry.ts';
import { openSqliteStore } from './sqlite/store.ts';

/** A kind of sample store: `store.type` in the configuration. */
export interface StoreAdapter<Options = unknown> extends AdapterDescriptor<Options> {
  /** `path` is the folder of local data; `readOnly` is for a second process beside the one that writes. */
  open(context: { path: string; readOnly?: boolean; options: Options }): SampleStore;
}

const sqlite: StoreAdapter<Record<string, never>> = {
  type: 'sqlite',
  title: 'Embedded database: a file in the data folder',
  options: z.strictObject({}),
  open: ({ path, readOnly }) => openSqliteStore({ path, readOnly }),
};

/** Sample stores; the first is the default. */
export const STORES = [sqlite] as const;
