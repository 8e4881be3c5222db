import type { AdapterDescriptor } from '../../core/registry.ts';
import type { AwsClient } from '../aws/client.ts';

/** One cluster as it stands in a source. */
export interface SourceEntry {
  /** Stays the same while the entry changes. */
  id: string;
  /** JSON or YAML. */
  text: string;
}

export interface ClusterSource {
  /** For messages and metrics: what is read. */
  name: string;
  /** All there are now. @throws ConfigError | RetryableError */
  list(): Promise<SourceEntry[]>;
}

/** A kind of source of clusters: `inventory[].type` in the configuration. */
export interface InventoryAdapter<Options = unknown> extends AdapterDescriptor<Options> {
  /** Nothing is asked before the first `list`. */
  open(options: Options, aws: AwsClient): ClusterSource;
}
