import type { LabelGlobs } from './labels.ts';

/** An entry of the operator's catalogue of commands: a script that may run on nodes. */
export interface CommandConfig {
  name: string;
  /** What the node's `sh` runs, as it is written in the configuration. */
  script: string;
  /** How long it may take. */
  timeoutMs: number;
  /** What it may print, on stdout and stderr together. */
  maxOutputBytes: number;
  /** Nodes on which people may run it. Those of the checks that run it come on top. */
  where: LabelGlobs;
}
