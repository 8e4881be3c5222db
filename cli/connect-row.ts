import type { Capability } from '../adapters/ssh/confinement.ts';

/** The result of one check. `unknown`: something in front of it failed. */
export interface ConnectRow {
  kind: 'data' | 'inventory' | 'bastion' | 'node' | 'channel';
  /** As on the command line: `seoul`, `prod/prod-1`, `ops`; `prod/*` where a key serves a whole cluster. */
  name: string;
  state: 'ok' | 'warning' | 'failed' | 'unknown';
  detail: string;
  /** What to do; may end in a line to copy. */
  advice?: string;
  /** What our key may do on a bastion or node that let us in, beyond what probing needs. */
  open?: readonly Capability[];
  /** The same, where nobody answered whether it may. */
  unanswered?: readonly Capability[];
}
