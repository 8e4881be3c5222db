import { count, some } from '../core/health.ts';
import type { BatchObservation } from '../core/model.ts';
import type { Faults } from './faults.ts';

/** What a round has come to, also one that failed. */
export interface RoundFacts {
  observations: readonly BatchObservation[];
  /** Batches that were planned. */
  batches: number;
  /** Batches that wait because the store refused them. */
  refusedBatches: number;
  written: number;
  rejected: number;
  failedRules: readonly string[];
  /** All rules but the failed ones are judged up to the round. */
  isJudged: boolean;
}

/** Rounds in a row after which something that may be over with the next is a fault. */
export const ROUNDS_IN_A_ROW = 3;

/** Turns what rounds have come to into faults. A round of which no check was due says nothing of nodes and samples. */
export function createRoundFaults(faults: Faults): (facts: RoundFacts) => void {
  const unseen = createStreak();
  const refused = createStreak();
  const unjudged = createStreak();
  return (facts) => {
    const { observations, batches, refusedBatches, written, rejected, failedRules, isJudged } = facts;
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
    if (unjudged(!isJudged) >= ROUNDS_IN_A_ROW) {
      faults.raise({
        kind: 'reason',
        code: 'evaluation-behind',
        words: `rules were not judged for ${ROUNDS_IN_A_ROW} rounds or more`,
      });
    } else if (isJudged) faults.clear('evaluation-behind');
    if (failedRules.length > 0) {
      faults.raise({
        kind: 'warning',
        code: 'rule-failing',
        words: `${count(failedRules.length, 'rule')} could not be judged in the last round`,
        detail: some(failedRules),
      });
    } else if (isJudged) faults.clear('rule-failing');
  };
}

/** Whether a check of a node succeeded. */
function hasSeen({ observations }: BatchObservation): boolean {
  return observations.some(({ result }) => result.ok);
}

/** How many times in a row it was so. */
function createStreak(): (isSo: boolean) => number {
  let streak = 0;
  return (isSo) => {
    streak = isSo ? streak + 1 : 0;
    return streak;
  };
}
