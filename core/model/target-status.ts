import type { BatchName } from './batch.ts';
import type { FailureReason } from './observation.ts';

/** How a check of a node ended last. A bastion stands there without a cluster (''), a batch in place of a check. */
export interface TargetStatus {
  cluster: string;
  node: string;
  check: string;
  roundMs: number;
  ok: boolean;
  reason?: FailureReason;
  detail?: string;
  hostKeyFingerprint?: string;
  /** The batch in which a node was seen. */
  batch?: BatchName;
}

/** Starts the `check` of a bastion's status that is about one of several ways to the nodes of a batch, not about the batch. */
export const WAY = 'way ';
