import type { Clock, Secrets } from '../../core/ports.ts';
import type { AdapterDescriptor } from '../../core/registry.ts';
import type { AwsClient } from '../aws/client.ts';

/** One cluster, as a source stores it. */
export interface SourceEntry {
  /** Stays the same while the entry changes. */
  id: string;
  /** JSON or YAML. */
  text: string;
}

export interface ClusterSource {
  /** Names the source in messages and metrics. */
  name: string;
  /** Lists all entries. @throws ConfigError | RetryableError */
  list(): Promise<SourceEntry[]>;
}

export interface SourceDeps {
  secrets: Secrets;
  clock: Clock;
  /** Default: as the process is configured. */
  aws?: AwsClient | undefined;
}

/** A kind of source of clusters: `inventory[].type` in the configuration. */
export interface InventoryAdapter<Options = unknown> extends AdapterDescriptor<Options> {
  /** Makes no request before the first `list`. */
  open(options: Options, deps: SourceDeps): ClusterSource;
}
