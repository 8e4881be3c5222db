// Input and output of evaluateRule(); docs/rules.md has the semantics.
import type { Alert } from '../model/alert.ts';
import type { Checkpoint, PartialAggregate } from '../model/checkpoint.ts';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Series } from '../model/sample.ts';
import type { Transition } from '../model/transition.ts';

/** A label set that the inventory expects to have the metric: cluster, node, role. */
export interface ExpectedTarget {
  labels: Labels;
}

export interface EvaluateInput {
  rule: Rule;
  /** The interval of the checks that measure the metric; where it differs the longest. See core/intervals.ts. */
  intervalMs: number;
  /** Where it differs: that of one series. */
  intervalOf?: (metric: string, labels: Labels) => number;
  latenessMs: number;
  /**
   * The rule's metric, both metrics of a ratio, filtered by `where` and `whereNot`, from `evaluationRange().fromMs` to `nowMs`.
   */
  series: readonly Series[];
  /**
   * What `deriveSeries` makes of them, for who evaluates several rules that differ in nothing else; it may leave out series that
   * are of a node, never breach, and are not known, unless `noData` is `alerting`. Absent: it is derived here.
   */
  derived?: readonly Series[];
  /** In place of `series`, where shards have aggregated their clusters. */
  partials?: readonly PartialAggregate[];
  /** `up` of the targets, from `evaluatedFromMs()` on: no window reaches back over it. */
  up: readonly Series[];
  /**
   * When checks that measure the metric could not be made on a node, or saw a part only: a series absent then is unknown, and not
   * gone. Has labels `cluster`, `node`, `check`.
   */
  blind?: readonly Pick<Series, 'labels' | 'points'>[];
  /** Whether a check is configured that measures the metric there; where none is any more the alert ends. Absent: it is. */
  isMeasured?: (labels: Labels) => boolean;
  /** See `expectedTargets()`. Series of other nodes are not evaluated. */
  targets: readonly ExpectedTarget[];
  /** Whether the inventory has the node, though its labels there are none that the rule is for. Absent: it has none such. */
  isUnselected?: (labels: Labels) => boolean;
  checkpoint: Checkpoint | undefined;
  /**
   * The rule's stored alerts that are not ok, read after the checkpoint. They show what was committed before a
   * crash that kept the checkpoint from being saved. Absent: the checkpoint alone decides.
   */
  alerts?: readonly Alert[];
  /** Scheduled time of the evaluated round; later samples are ignored. */
  nowMs: number;
}

export interface EvaluateResult {
  checkpoint: Checkpoint;
  /** New ones only, in order of time. */
  transitions: Transition[];
  /** End state of every alert that is not ok, and of those that became ok by these transitions. */
  alerts: Alert[];
  /** Samples of the input that were not evaluated: older than the settled time, or newer than `nowMs`. */
  ignoredSamples: number;
}
