import type { LabelGlobs } from './labels.ts';

/** Ordered; the first match takes an alert unless `continue`. Matches on labels and `rule`, `severity`. */
export interface Route {
  name: string;
  match: LabelGlobs;
  /** Empty: sends to nobody on purpose. */
  channels: readonly string[];
  continue: boolean;
  /** Labels (and `rule`) whose values make one incident. Default: rule, cluster. */
  groupBy: readonly string[];
  groupWaitMs: number;
  groupIntervalMs: number;
  /** The channel is reminded of what still fires after so long; Infinity: never. */
  repeatIntervalMs: number;
  /** Whether the end of the last firing alert of a group need not wait for `groupInterval`. Default true. */
  resolvedEarly?: boolean;
}
