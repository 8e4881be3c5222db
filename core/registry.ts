import type { z } from 'zod';

/**
 * What the configuration schema, documentation and command line know of an adapter. Each kind (probes, channels,
 * stores) has one registry: a list of values that start with these fields.
 */
export interface AdapterDescriptor<Options = unknown> {
  /** Word in the configuration, e.g. `webhook`. */
  type: string;
  title: string;
  /** Strict; every field described; defaults filled in. */
  options: z.ZodType<Options>;
}

/** What the configuration knows of a probe kind besides. */
export interface ProbeDescriptor extends AdapterDescriptor {
  /** Whether a check with these options logs in to nodes. Default: each does. */
  logsIn?(options: Readonly<Record<string, unknown>>): boolean;
}

/** The registries from which the configuration schema is built. */
export interface AdapterKinds {
  probes: readonly ProbeDescriptor[];
  channels: readonly AdapterDescriptor[];
  stores: readonly AdapterDescriptor[];
  inventories: readonly AdapterDescriptor[];
}
