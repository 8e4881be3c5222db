// In- and output of evaluate(). The semantics are told in docs/rules.md.
import type { Alert, AlertStatus, Labels, Rule, Series, Transition, TransitionReason } from '../model.ts';

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
  /** Of an aggregate across clusters that is judged in parts: what they came to, in place of `series`. */
  parts?: readonly AggregatePart[];
  /** `up` of the targets, over the same range. */
  up: readonly Series[];
  /** See `expectedTargets()`. A series with cluster and node that is of none of them is not judged. */
  targets: readonly ExpectedTarget[];
  checkpoint: Checkpoint | undefined;
  /**
   * The rule's stored alerts that are not ok, read after the checkpoint. They say what was committed when a crash
   * kept the checkpoint from being saved; absent, the checkpoint is taken at its word.
   */
  alerts?: readonly Alert[];
  /** Scheduled time of the newest round judged; later samples are ignored. */
  nowMs: number;
}

export interface EvaluateResult {
  checkpoint: Checkpoint;
  /** New ones only, in order of time. */
  transitions: Transition[];
  /** End state of every alert that is not ok, and of those that became ok by these transitions. */
  alerts: Alert[];
  /** Samples of the input that were not judged: older than what is settled, or newer than `nowMs`. */
  ignoredSamples: number;
}

/**
 * The state of every series that is not ok as of `settledToMs`, and what was last emitted of each alert since. Plain
 * JSON. Each evaluation folds again from `settledToMs`, so that samples within the lateness find their place.
 */
export interface Checkpoint {
  version: 1;
  /** Hash of the rule's deciding fields, and its metric. */
  ruleHash: string;
  metric: string;
  /** First evaluation of this rule: of what lay before, only what still held was emitted. */
  startedAtMs: number;
  settledToMs: number;
  evaluatedToMs: number;
  /**
   * An evaluation up to then has begun to commit its transitions: an older one that comes later must not judge what that
   * has left. Absent once its own checkpoint is saved.
   */
  claimedToMs?: number;
  series: readonly SeriesState[];
  /** Of each alert the last one, while it is newer than `settledToMs` or says something else than `series`. */
  emitted: readonly Transition[];
  /** Of a shard of clusters, and a rule that the fleet judges: what it has to add. Then there are no states. */
  part?: AggregatePart & {
    /** Since then it was judged without a gap longer than the lateness. */
    steadySinceMs: number;
  };
}

/** What some clusters add to an aggregate across clusters, so that parts merged in any way come to the same. */
export interface AggregatePart {
  /** Of samples from then on, inclusive. */
  fromMs: number;
  groups: readonly GroupPart[];
}

/** Points are ascending. */
export interface GroupPart {
  labels: Labels;
  points: readonly GroupPoint[];
}

export interface GroupPoint {
  timeMs: number;
  /** Nodes that have a sample. */
  places: number;
  /** Samples. */
  count: number;
  /** What the operation makes of the values: an exact sum (see `exact-sum.ts`), one extreme, or nothing for a count. */
  numbers: number[];
}

/** An unbroken run of samples. */
export interface Run {
  firstMs: number;
  lastMs: number;
  samples: number;
}

/** The fold's state of one series: timestamps, never counters of ticks. */
export interface SeriesState {
  labels: Labels;
  status: AlertStatus;
  reason: TransitionReason;
  /** While pending, the breaching samples; while firing, those that no longer satisfy. */
  run?: Run;
  /** Not when ok. */
  sinceMs?: number;
  firedAtMs?: number;
  /** Newest sample; absent: none was ever seen. */
  seenAtMs?: number;
  value?: number;
  /** `up` samples newer than the newest sample, three at most, and the first of them. */
  lacking: number;
  lackingSinceMs?: number;
  /** The latest unbroken run of these that say the node is up. */
  upRun?: Run;
}
