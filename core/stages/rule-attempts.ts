import { retryConflicts, WORK_TRIES } from '../conflicts.ts';
import { ConflictError, describeError, RetryableError } from '../errors.ts';
import type { Transition } from '../model/transition.ts';
import { appendAll } from '../numbers/extremes.ts';
import type { ShardPorts } from './shard-round.ts';

export interface AttemptPorts extends ShardPorts {
  /** Called with each rule that could not be evaluated, and its error. */
  onRuleFailed?: (rule: string, error: unknown) => void;
}

/** After so many rules in a row that fail with RetryableError a service beside us is out: further rules would fail too. */
const SURELY_OUT = 3;

/** `isEvaluated`: this shard evaluates the rule. */
export interface Outcome {
  transitions: readonly Transition[];
  isEvaluated: boolean;
}

/** Evaluates rules one by one. One rule's failure stops no other; a failure that may pass is tried once more after the others. */
export function createAttempt({ meter, logger, onRuleFailed }: AttemptPorts, transitions: Transition[]) {
  const later: { name: string; run: () => Promise<Outcome> }[] = [];
  let [evaluated, outInARow] = [0, 0];
  let failure: unknown;

  async function evaluate(name: string, run: () => Promise<Outcome>, isLast: boolean): Promise<void> {
    try {
      // Another evaluation of the shard was first: the next try sees what that one committed.
      const outcome = await retryConflicts(run, { tries: WORK_TRIES });
      appendAll(transitions, outcome.transitions);
      if (outcome.isEvaluated) evaluated++;
      outInARow = 0;
    } catch (error) {
      const isOut = error instanceof RetryableError;
      outInARow = isOut ? outInARow + 1 : 0;
      failure ??= error;
      if (!isLast && (isOut || error instanceof ConflictError)) later.push({ name, run });
      else fail(name, error);
    }
  }

  function fail(name: string, error: unknown): void {
    meter.count('rule_failures_total', { rule: name });
    logger.error('a rule could not be evaluated; the others are', {
      rule: name,
      error: describeError(error),
    });
    onRuleFailed?.(name, error);
  }

  return {
    async rule(name: string, run: () => Promise<Outcome>): Promise<void> {
      if (outInARow >= SURELY_OUT) fail(name, failure);
      else await evaluate(name, run, false);
    },
    async rest(): Promise<void> {
      for (const { name, run } of later) {
        if (outInARow >= SURELY_OUT) fail(name, failure);
        else await evaluate(name, run, true);
      }
    },
    /** A rule that fails waits for the next round. Where no other was evaluated either, the caller must try again. */
    end(): void {
      if (failure !== undefined && (evaluated === 0 || outInARow >= SURELY_OUT)) throw failure;
    },
  };
}
