import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { TransitionKind, TransitionReason } from '../model/transition.ts';
import type { Mark } from './notation.ts';

/** A rule, the samples of its rounds, and the transitions that must follow. Times start at 0. See docs/rules.md. */
export interface Story {
  name: string;
  /** Where it starts in its file, 1-based. */
  line: number;
  rule: Rule;
  everyMs: number;
  /** The interval of the check that measures the rule's metric: of a slow one longer than that of rounds. */
  measuredEveryMs: number;
  latenessMs: number;
  series: readonly StorySeries[];
  /** Samples (and their `up`) that arrive with a later round than their own. */
  late: readonly { series: string; atMs: number; arrivesMs: number }[];
  /** Nodes that leave the inventory: `cluster/node`. */
  removed: readonly { atMs: number; node: string }[];
  edits: readonly { atMs: number; rule: Rule }[];
  /** The rule exists only from or up to then. */
  ruleFromMs?: number;
  ruleUntilMs?: number;
  expect: readonly Expectation[];
}

export interface StorySeries {
  /** As written; of a ratio the metric in front. */
  name: string;
  /** The name without the metric: expectations use it for the alert. */
  subject: string;
  /** The metric of one side of a ratio. Absent: the rule's. */
  metric?: string;
  labels: Labels;
  /** One a round. */
  marks: readonly Mark[];
}

export interface Expectation {
  atMs: number;
  series: string;
  kind: TransitionKind;
  reason: TransitionReason;
  clearedMs?: number;
  sinceMs?: number;
}

/** What is wrong with a file, and where; 1-based. */
export interface StoryProblem {
  line: number;
  column: number;
  /** `expect.5m`; empty for the file as a whole. */
  path: string;
  message: string;
  suggestion?: string;
}
