import type { LabelGlobs } from './labels.ts';

export interface Silence {
  match: LabelGlobs;
  fromMs: number;
  untilMs: number;
  comment: string;
}

export const MATCHER_OPS = ['=', '!=', '=~', '!~'] as const;

/** As in Alertmanager: regular expressions match the whole value, and a label that is missing has the value ''. */
export interface Matcher {
  name: string;
  op: (typeof MATCHER_OPS)[number];
  value: string;
}

/** A silence added at run time and kept in state. All its matchers must match. */
export interface StoredSilence {
  id: string;
  matchers: readonly Matcher[];
  /** An acknowledgement: covers this alert alone, and only until it resolves. */
  alertId?: string;
  /** When the breach began that is acknowledged, where that lies ahead of a clock that was set back. */
  breachSinceMs?: number;
  fromMs: number;
  untilMs: number;
  createdAtMs: number;
  author: string;
  comment: string;
}
