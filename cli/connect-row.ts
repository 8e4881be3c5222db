import type { Capability } from '../adapters/ssh/confinement.ts';
import type { ServiceAnswer } from '../adapters/ssh/service-scan.ts';

/** The result of one check. `unknown`: the check of something that it depends on failed. */
export interface ConnectRow {
  kind: 'data' | 'inventory' | 'bastion' | 'node' | 'channel';
  /** As on the command line: `seoul`, `prod/prod-1`, `ops`; `prod/*` when a key is for a whole cluster. */
  name: string;
  state: 'ok' | 'warning' | 'failed' | 'unknown';
  detail: string;
  /** The advice; its last line may be one to copy. */
  advice?: string;
  /** The rights of our key on a bastion or node beyond those that probing needs. */
  open?: readonly Capability[];
  /** The rights for which no answer came. */
  unanswered?: readonly Capability[];
  /** For a node: the ports that its checks connect to, and whether they answer. */
  services?: readonly ServiceAnswer[];
}
