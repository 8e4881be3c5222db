import { ConflictError, describeError, RetryableError } from '../errors.ts';
import { appendAll } from '../extremes.ts';
import type { Transition } from '../model.ts';
import type { ShardPorts } from './shard-round.ts';

export interface AttemptPorts extends ShardPorts {
  /** Is told of each rule that was not judged, and why; the others were. */
  onRuleFailed?: (rule: string, error: unknown) => void;
}

/** Tries again when another evaluation of the shard was first; what it committed is then seen. */
const ATTEMPTS = 3;
/** So many rules in a row that fail with RetryableError: what is beside us is out, and asking for more rules is in vain. */
const SURELY_OUT = 3;

/** Of one rule. `isJudged`: this shard has something to judge of it. */
export interface Outcome {
  transitions: readonly Transition[];
  isJudged: boolean;
}

/** Judges rules one by one, each with its own failure; one that may be over soon is tried once more after the others. */
export function createAttempt({ meter, logger, onRuleFailed }: AttemptPorts, transitions: Transition[]) {
  const later: { name: string; run: () => Promise<Outcome> }[] = [];
  let [judged, outInARow] = [0, 0];
  let failure: unknown;

  async function judge(name: string, run: () => Promise<Outcome>, isLast: boolean): Promise<void> {
    try {
      const outcome = await retried(run);
      appendAll(transitions, outcome.transitions);
      if (outcome.isJudged) judged++;
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
    logger.error('a rule could not be judged; the others are', { rule: name, error: describeError(error) });
    onRuleFailed?.(name, error);
  }

  return {
    async rule(name: string, run: () => Promise<Outcome>): Promise<void> {
      if (outInARow >= SURELY_OUT) fail(name, failure);
      else await judge(name, run, false);
    },
    async rest(): Promise<void> {
      for (const { name, run } of later) {
        if (outInARow >= SURELY_OUT) fail(name, failure);
        else await judge(name, run, true);
      }
    },
    /** One rule that fails is for the next round. Where the others were not judged either, the call is to be made again. */
    end(): void {
      if (failure !== undefined && (judged === 0 || outInARow >= SURELY_OUT)) throw failure;
    },
  };
}

async function retried<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw error;
    }
  }
}
