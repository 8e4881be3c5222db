import type { AdapterKinds } from '../core/registry.ts';
import { CHANNELS } from './channels/registry.ts';
import { INVENTORIES } from './inventory/registry.ts';
import { PROBES } from './probes/registry.ts';
import { STORES } from './stores/registry.ts';

/** Every kind of thing a configuration can name. */
export const KINDS: AdapterKinds = {
  probes: PROBES,
  channels: CHANNELS,
  stores: STORES,
  inventories: INVENTORIES,
};
