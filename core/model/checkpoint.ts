import type { AlertStatus } from './alert.ts';
import type { Labels } from './labels.ts';
import type { Transition, TransitionReason } from './transition.ts';

/**
 * The state of every series that is not ok as of `settledToMs`, and what was last emitted of each alert since. Plain
 * JSON. Each evaluation folds again from `settledToMs`, so that samples within the lateness find their place.
 */
export interface Checkpoint {
  version: 1;
  /** Hash of the rule's deciding fields, and what it compares: see `measureKey`. */
  ruleHash: string;
  metric: string;
  /** Round of the first evaluation of this rule: of what lay before, only what still held then is emitted. */
  startedAtMs: number;
  settledToMs: number;
  evaluatedToMs: number;
  /**
   * An evaluation up to then has begun to commit its transitions: an older one that comes later must not emit again what
   * that one has left. Absent once its own checkpoint is saved.
   */
  claimedToMs?: number;
  series: readonly SeriesState[];
  /**
   * What the first evaluation found, while `settledToMs` lies before it: more samples of that time may come, and it is done
   * again with them. Absent in checkpoints of older releases: nothing was open.
   */
  start?: { edited: boolean; open: readonly OpenBefore[] };
  /** The last transition of each alert, while it is newer than `settledToMs` or differs from the state in `series`. */
  emitted: readonly Transition[];
  /** The partial aggregate that a shard of clusters adds for the cross-cluster shard. Then there are no states. */
  part?: StoredPartial & {
    /** Since then the shard was evaluated without a gap longer than the lateness. */
    steadySinceMs: number;
  };
}

/** An alert that was open when its rule was edited, or its checkpoint lost. */
export interface OpenBefore {
  labels: Labels;
  status: Exclude<AlertStatus, 'ok'>;
  sinceMs?: number;
  firedAtMs?: number;
  /** The newest value that was known then, if it is still what the rule asks for. */
  seenAtMs?: number;
  value?: number;
}

/** What some clusters add to an aggregate across clusters. Merged in any order, partials give the same result. */
export interface PartialAggregate {
  /** It holds samples from then on, inclusive. */
  fromMs: number;
  groups: readonly PartialGroup[];
}

/** Points are ascending. */
export interface PartialGroup {
  labels: Labels;
  /** Where series have several intervals: that of the members in it. Their values count until the next round of theirs. */
  everyMs?: number;
  points: readonly GroupPoint[];
}

export interface GroupPoint {
  timeMs: number;
  /** The number of nodes that have a sample. */
  nodes: number;
  /** Samples. */
  count: number;
  /** What the operation makes of the values: an exact sum (see `exact-sum.ts`), one extreme, or nothing for a count. */
  numbers: number[];
}

/** A partial aggregate in a checkpoint. `places` is the number of nodes: stored data keep this name. */
export interface StoredPartial {
  fromMs: number;
  groups: readonly (Omit<PartialGroup, 'points'> & {
    points: readonly (Omit<GroupPoint, 'nodes'> & { places: number })[];
  })[];
}

/** An unbroken streak of samples. */
export interface Streak {
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
  run?: Streak;
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
  upRun?: Streak;
}
