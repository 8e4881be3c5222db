// In- and output of evaluate(). The semantics are told in docs/rules.md.
import type { Alert, Labels, Rule, Series, Transition } from '../model.ts';

/** A label set that the inventory expects to have the metric: cluster, node, role. */
export interface ExpectedTarget {
  labels: Labels;
}

export interface EvaluateInput {
  rule: Rule;
  /** Of the check that yields the metric. */
  intervalMs: number;
  latenessMs: number;
  /** The rule's metric, filtered by `where`, from `evaluationRange().fromMs` to `nowMs`. */
  series: readonly Series[];
  /** `up` of the targets, over the same range. */
  up: readonly Series[];
  targets: readonly ExpectedTarget[];
  checkpoint: Checkpoint | undefined;
  /** Scheduled time of the newest round judged; later samples are ignored. */
  nowMs: number;
}

export interface EvaluateResult {
  checkpoint: Checkpoint;
  /** New ones only, in order of time. */
  transitions: Transition[];
  /** End state of every alert that is not ok, and of those that became ok by these transitions. */
  alerts: Alert[];
}

/** State of every series that is not ok as of `settledToMs`, and the transitions emitted since. */
export interface Checkpoint {
  version: 1;
  /** Hash of the rule's deciding fields. */
  ruleHash: string;
  settledToMs: number;
  evaluatedToMs: number;
  series: readonly SeriesState[];
  emitted: readonly Transition[];
}

/** The fold's state of one series; timestamps, never counters of ticks. */
export interface SeriesState {
  labels: Labels;
  alert: Alert | undefined;
}
