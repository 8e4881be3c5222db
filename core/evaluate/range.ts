import { currentForMs } from '../current.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import type { LabelGlobs, Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import { isSelected } from '../selection.ts';
import { reducedEveryMs } from './forecast-step.ts';
import { ruleHash } from './identity.ts';
import type { EvaluateInput, ExpectedTarget } from './model.ts';

/** Labels that a target has by itself; all others come from the samples. */
export const TARGET_LABELS = ['cluster', 'node', 'role'] as const;

export type TargetLabels = Readonly<Record<(typeof TARGET_LABELS)[number], string>>;

export interface RangeInput {
  rule: Rule;
  intervalMs: number;
  intervalOf?: EvaluateInput['intervalOf'];
  latenessMs: number;
  checkpoint: Checkpoint | undefined;
  nowMs: number;
}

/** The times of one evaluation: it folds what is newer than `fromMs`, up to `toMs`, and settles what is not newer than `settleMs`. */
export interface Span {
  fromMs: number;
  settleMs: number;
  toMs: number;
}

export function spanOf(input: RangeInput): Span {
  const fromMs = evaluatedFromMs(input) - 1;
  return { fromMs, settleMs: Math.max(fromMs, input.nowMs - input.latenessMs), toMs: input.nowMs };
}

/** From when on samples must be queried, inclusive. */
export function evaluationRange(input: RangeInput): { fromMs: number } {
  return { fromMs: evaluatedFromMs(input) - lookBackMs(input.rule, input) };
}

/**
 * How much older than a value its samples may be: a window reaches back, so does a ratio for each side, and so does an
 * aggregate for members that are slower than others.
 */
export function lookBackMs(
  rule: Pick<Rule, 'window' | 'over' | 'aggregate'>,
  { intervalMs, intervalOf }: Pick<EvaluateInput, 'intervalMs' | 'intervalOf'>,
): number {
  const { window, over, aggregate } = rule;
  const ofSides = over === undefined ? 0 : currentForMs(intervalMs);
  const ofMembers = aggregate && intervalOf ? reducedEveryMs(rule, intervalMs) : 0;
  return (window?.lastMs ?? 0) + ofSides + ofMembers;
}

/**
 * From when on samples are folded, inclusive; the checkpoint holds what lies before. A new or edited rule goes back far
 * enough to see what holds now: twice the hold, since half of its samples may be lost.
 */
export function evaluatedFromMs(input: RangeInput): number {
  const { rule, intervalMs, latenessMs, checkpoint, nowMs } = input;
  if (checkpoint && checkpoint.ruleHash === ruleHash(rule)) return checkpoint.settledToMs + 1;
  return nowMs - latenessMs - 2 * holdMs(rule, intervalMs) - rule.keepFiringForMs;
}

/** How long samples are that show whether a rule holds: some more than one, where `for` is short. */
export function holdMs(rule: Pick<Rule, 'forMs' | 'window'>, intervalMs: number): number {
  return Math.max(rule.forMs, 3 * reducedEveryMs(rule, intervalMs));
}

/** How far back a shard reads the rounds it missed: a call has minutes, and each call that fails leaves more to the next. */
export const CATCH_UP_MS = 3 * 3_600_000;

/** Whether the last evaluation of a shard is so long ago that the shard begins anew, as with a new rule. */
export function isBehind({ evaluatedToMs }: Pick<Checkpoint, 'evaluatedToMs'>, nowMs: number): boolean {
  return evaluatedToMs < nowMs - CATCH_UP_MS;
}

/**
 * From when on a shard must provide its partial aggregate, inclusive; the checkpoint is that of the cross-cluster shard.
 * Without one, the first evaluation there may be of an earlier round: it waits for other shards as long as the lateness.
 */
export function partialFromMs(input: RangeInput): number {
  const { rule, checkpoint, nowMs, latenessMs } = input;
  const firstMs = evaluatedFromMs({ ...input, checkpoint: undefined }) - latenessMs;
  // A checkpoint that has settled this round already: the clock was set back, or this round comes late.
  const goesOn = checkpoint?.ruleHash === ruleHash(rule) && checkpoint.settledToMs < nowMs;
  return goesOn && !isBehind(checkpoint, nowMs) ? checkpoint.settledToMs + 1 : firstMs;
}

/**
 * The targets in which the rule's metric is expected. Labels that only samples have (`mount`) exclude none, in
 * `whereNot` either.
 */
export function expectedTargets(
  rule: Pick<Rule, 'where' | 'whereNot' | 'inventory'>,
  all: readonly (TargetLabels & { labels?: Labels })[],
): ExpectedTarget[] {
  const { inventory } = rule;
  const targets = inventory ? all.filter(({ labels = {} }) => isSelected(inventory, labels)) : all;
  const own = (globs: LabelGlobs = {}) =>
    Object.fromEntries(
      Object.entries(globs).filter(([label]) => TARGET_LABELS.some((name) => name === label)),
    );
  const selection = { where: own(rule.where), whereNot: own(rule.whereNot) };
  return targets
    .map(({ cluster, node, role }) => ({ labels: { cluster, node, role } }))
    .filter(({ labels }) => isSelected(selection, labels));
}
