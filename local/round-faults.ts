import { count, some } from '../core/health.ts';
import type { Batch } from '../core/model/batch.ts';
import type { BatchObservation } from '../core/model/observation.ts';
import type { Target } from '../core/model/target.ts';
import type { Faults } from './faults.ts';

/** The outcome of a round, also of one that failed. */
export interface RoundFacts {
  observations: readonly BatchObservation[];
  /** The number of planned batches. */
  batches: number;
  /** Nodes of a bastion that were due, and neither seen nor known to be lost. */
  absent: readonly Absent[];
  /** Batches that wait because the store refused them. */
  refusedBatches: number;
  written: number;
  /** Samples that the store refused as invalid. */
  rejected: number;
  /** Samples that came too late for the store, also those of earlier rounds. */
  tooLate: number;
  failedRules: readonly string[];
  /** All rules except the failed ones are evaluated up to the round. */
  isEvaluated: boolean;
}

/** Nodes of a bastion. */
export interface Absent {
  bastion: string;
  nodes: number;
}

/**
 * Due nodes that were neither seen nor known to be lost: those of a batch that was dropped or could not be probed, and
 * those missing in the outcome of their batch. Nodes behind a failed bastion are known to be unknown.
 */
export function absentOf(
  batches: readonly Batch[],
  observations: readonly (BatchObservation | undefined)[],
): Absent[] {
  const outcomes = new Map(observations.flatMap((one) => (one ? [[one.batch, one] as const] : [])));
  const nodeName = ({ cluster, node }: Target) => JSON.stringify([cluster, node]);
  const nodes = new Map<string, number>();
  for (const batch of batches) {
    const outcome = outcomes.get(batch);
    if (outcome && !outcome.bastion.ok) continue;
    const seen = new Set(outcome?.observations.map(({ target }) => nodeName(target)));
    const missing = batch.targets.filter((target) => !seen.has(nodeName(target))).length;
    if (missing > 0) nodes.set(batch.bastion, (nodes.get(batch.bastion) ?? 0) + missing);
  }
  return [...nodes].map(([bastion, missing]) => ({ bastion, nodes: missing }));
}

/** A text that names no bastion. */
export function absentText(absent: readonly Absent[]): string {
  const nodes = absent.reduce((sum, one) => sum + one.nodes, 0);
  return `${count(nodes, 'node')} of ${count(absent.length, 'bastion')} were due and neither seen nor known to be lost`;
}

/** How many rounds in a row make a fault of something that may be over with the next round. */
export const ROUNDS_IN_A_ROW = 3;

/** Turns the outcomes of rounds into faults. A round without a due check says nothing about nodes and samples. */
export function createRoundFaults(faults: Faults): (facts: RoundFacts) => void {
  const unseen = createStreak();
  const refused = createStreak();
  const unevaluated = createStreak();
  return (facts) => {
    const {
      observations,
      batches,
      absent,
      refusedBatches,
      written,
      rejected,
      tooLate,
      failedRules,
      isEvaluated,
    } = facts;
    if (batches > 0) {
      const lost = observations.filter(({ bastion }) => !bastion.ok).map(({ batch }) => batch.bastion);
      if (unseen(!observations.some(hasSeen)) >= ROUNDS_IN_A_ROW) {
        faults.raise({
          kind: 'reason',
          code: 'nothing-seen',
          words: `no node was seen for ${ROUNDS_IN_A_ROW} rounds or more`,
          ...(lost.length > 0 && { detail: `bastions that were not reached: ${some([...new Set(lost)])}` }),
        });
      } else faults.clear('nothing-seen');
      if (absent.length > 0) {
        const names = absent.map(({ bastion, nodes }) => `${bastion}: ${nodes}`);
        faults.raise({
          kind: 'reason',
          code: 'nodes-absent',
          words: absentText(absent),
          detail: some(names),
        });
      } else faults.clear('nodes-absent');
    }
    const isRefused = refusedBatches > 0 || (rejected > 0 && rejected >= written);
    const refusedRounds = batches > 0 || refusedBatches > 0 ? refused(isRefused) : undefined;
    if (isRefused || rejected > 0) {
      faults.raise({
        kind: (refusedRounds ?? 0) >= ROUNDS_IN_A_ROW ? 'reason' : 'warning',
        code: 'samples-refused',
        words: `the store refused batches (${refusedBatches}) or samples (${rejected}) of the last round`,
      });
    } else if (refusedRounds !== undefined) faults.clear('samples-refused');
    if (tooLate > 0) {
      faults.raise({
        kind: 'warning',
        code: 'samples-too-late',
        words: `${count(tooLate, 'sample')} came too late for the store: rules see them, its history lacks them`,
      });
    } else if (refusedRounds !== undefined) faults.clear('samples-too-late');
    if (unevaluated(!isEvaluated) >= ROUNDS_IN_A_ROW) {
      faults.raise({
        kind: 'reason',
        code: 'evaluation-behind',
        words: `rules were not evaluated for ${ROUNDS_IN_A_ROW} rounds or more`,
      });
    } else if (isEvaluated) faults.clear('evaluation-behind');
    if (failedRules.length > 0) {
      faults.raise({
        kind: 'warning',
        code: 'rule-failing',
        words: `${count(failedRules.length, 'rule')} could not be evaluated in the last round`,
        detail: some(failedRules),
      });
    } else if (isEvaluated) faults.clear('rule-failing');
  };
}

/** Whether a check of a node succeeded. */
function hasSeen({ observations }: BatchObservation): boolean {
  return observations.some(({ result }) => result.ok);
}

/** How many times in a row it happened. */
function createStreak(): (isSo: boolean) => number {
  let streak = 0;
  return (isSo) => {
    streak = isSo ? streak + 1 : 0;
    return streak;
  };
}
