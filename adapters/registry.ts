import type { AdapterKinds } from '../core/registry.ts';
import { CHANNELS } from './channels/registry.ts';
import { INVENTORIES } from './inventory/registry.ts';
import { PRESETS } from './probes/presets.ts';
import { PROBES } from './probes/registry.ts';
import { STATES } from './state/registry.ts';
import { STORES } from './stores/registry.ts';

/** The registries of all adapters that a configuration can name by `type`. */
export const KINDS: AdapterKinds = {
  probes: PROBES,
  channels: CHANNELS,
  stores: STORES,
  states: STATES,
  inventories: INVENTORIES,
  presets: PRESETS,
};
