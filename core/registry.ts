import type { z } from 'zod';
import type { Check } from './model/check.ts';
import type { Role } from './model/target.ts';

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
  /** For a kind of check: the interval of a check that names none. Absent: that of most kinds. */
  every?: string;
}

/** What the configuration knows of a probe kind besides. */
export interface ProbeDescriptor extends AdapterDescriptor {
  /** Whether a check with these options, as `readOptions` returns them, logs in to nodes. Default: each does. */
  logsIn?(options: Readonly<Record<string, unknown>>): boolean;
  /**
   * What tells series of a node apart that have no label `check`, such as their ports. Two checks with one of these in common would write
   * the same series. Absent: nothing does.
   */
  separateBy?(options: Readonly<Record<string, unknown>>): readonly string[];
  /** Name of the catalogue's entry that a check with these options runs. Absent: checks of this kind run none. */
  commandOf?(options: Readonly<Record<string, unknown>>): string;
}

/** The options of a check as its kind reads them, from those that are written: with defaults. Undefined: they are invalid. */
export function readOptions(
  kind: Pick<AdapterDescriptor, 'options'>,
  written: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | undefined {
  const { data } = kind.options.safeParse(written);
  return data as Readonly<Record<string, unknown>> | undefined;
}

/** The options of a check with all that its probe needs: with defaults, and the entry of the catalogue as `entry`. Undefined: they are invalid. */
export function checkOptions(
  kind: Pick<AdapterDescriptor, 'options'>,
  { options: written, command }: Pick<Check, 'options' | 'command'>,
): Readonly<Record<string, unknown>> | undefined {
  const options = readOptions(kind, written);
  return options && command ? { ...options, entry: command } : options;
}

/** The checks that suit a distribution of Kubernetes. */
export interface Preset {
  /** Word in the configuration, e.g. `kubeadm`. */
  type: string;
  title: string;
  /** Its nodes let nobody log in. */
  withoutSsh?: true;
  checks: readonly {
    probe: string;
    /** Tells checks of one probe apart. */
    suffix?: string;
    everyMs: number;
    /** Roles of the nodes that have the service. Absent: all. */
    roles?: readonly Role[];
    options: Readonly<Record<string, unknown>>;
  }[];
}

/** What the configuration knows of a sample store besides. */
export interface StoreDescriptor extends AdapterDescriptor {
  /** It is on one machine, and no process elsewhere reads it. */
  isLocal?: true;
}

/** What the configuration knows of a kind of state besides. */
export interface StateDescriptor extends AdapterDescriptor {
  /** Processes on several machines share it. */
  isShared?: true;
}

/** What the configuration knows of a type of channel besides. */
export interface ChannelDescriptor extends AdapterDescriptor {
  /** Its service takes an alert for ended so long after the last message about it. Absent: it never does. */
  endsAfterMs?(options: unknown): number;
}

/** The registries from which the configuration schema is built. */
export interface AdapterKinds {
  probes: readonly ProbeDescriptor[];
  channels: readonly ChannelDescriptor[];
  stores: readonly StoreDescriptor[];
  states: readonly StateDescriptor[];
  inventories: readonly AdapterDescriptor[];
  presets: readonly Preset[];
}
