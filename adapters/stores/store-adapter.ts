import type { Clock, SampleStore, Secrets } from '../../core/ports.ts';
import type { AdapterDescriptor, StoreDescriptor } from '../../core/registry.ts';

export interface StoreContext<Options> {
  /** Folder of local data. */
  path: string;
  /** For a second process beside the one that writes. */
  readOnly?: boolean;
  options: Options;
  secrets: Secrets;
  clock: Clock;
}

/** A kind of sample store: `store.type` in the configuration. */
export interface StoreAdapter<Options = unknown>
  extends AdapterDescriptor<Options>,
    Pick<StoreDescriptor, 'isLocal'> {
  /** Its stores have `repeat`: the prober keeps the last values of slow checks for it. */
  repeats?: true;
  /** How long one request may take; 0 for a store that is a file. */
  timeoutMs(options: Options): number;
  open(context: StoreContext<Options>): Promise<SampleStore>;
}
