import { labelsMatch } from '../labels.ts';
import type { Rule, Target } from '../model.ts';
import { ruleHash } from './identity.ts';
import type { Checkpoint, ExpectedTarget } from './model.ts';

/** Labels that a target has by itself; all others come from the samples. */
export const TARGET_LABELS = ['cluster', 'node', 'role'] as const;

export interface RangeInput {
  rule: Rule;
  intervalMs: number;
  latenessMs: number;
  checkpoint: Checkpoint | undefined;
  nowMs: number;
}

/** From when on samples must be queried, inclusive: a window looks back from the first time that is judged. */
export function evaluationRange(input: RangeInput): { fromMs: number } {
  return { fromMs: judgedFromMs(input) - (input.rule.window?.lastMs ?? 0) };
}

/**
 * From when on it is judged, inclusive. What lies before is in the checkpoint. A new or edited rule looks back far
 * enough to see what holds now: twice the hold, since half of its samples may be lost.
 */
export function judgedFromMs(input: RangeInput): number {
  const { rule, intervalMs, latenessMs, checkpoint, nowMs } = input;
  if (checkpoint && checkpoint.ruleHash === ruleHash(rule)) return checkpoint.settledToMs + 1;
  const holdMs = Math.max(rule.forMs, 3 * intervalMs);
  return nowMs - latenessMs - 2 * holdMs - rule.keepFiringForMs;
}

/** How far back a shard reads for what it missed: a call has minutes, and each that fails leaves more to the next. */
const CATCH_UP_MS = 3 * 3_600_000;

/** Whether a shard was not judged for so long that it begins anew, as with a new rule. */
export function isBehind({ evaluatedToMs }: Pick<Checkpoint, 'evaluatedToMs'>, nowMs: number): boolean {
  return evaluatedToMs < nowMs - CATCH_UP_MS;
}

/**
 * From when on a shard's part of an aggregate must be there, inclusive; the checkpoint is the fleet's. Without one, the
 * fleet's first evaluation may be of an earlier round: it waits for other shards as long as the lateness.
 */
export function partFromMs(input: RangeInput): number {
  const { rule, checkpoint, nowMs, latenessMs } = input;
  const firstMs = judgedFromMs({ ...input, checkpoint: undefined }) - latenessMs;
  // One that has settled this round already is of a clock that was set back, or this round comes late.
  const goesOn = checkpoint?.ruleHash === ruleHash(rule) && checkpoint.settledToMs < nowMs;
  return goesOn && !isBehind(checkpoint, nowMs) ? checkpoint.settledToMs + 1 : firstMs;
}

/** The targets in which the rule's metric is expected. Labels that only samples have (`mount`) exclude none. */
export function expectedTargets(
  rule: Pick<Rule, 'where'>,
  targets: readonly Pick<Target, 'cluster' | 'node' | 'role'>[],
): ExpectedTarget[] {
  const own = Object.entries(rule.where).filter(([label]) => TARGET_LABELS.some((name) => name === label));
  const where = Object.fromEntries(own);
  return targets
    .map(({ cluster, node, role }) => ({ labels: { cluster, node, role } }))
    .filter(({ labels }) => labelsMatch(where, labels));
}
