import { ConflictError } from './errors.ts';

/**
 * How often a conditional write of one item is tried in all. Each try lets at least one of those through that write the same
 * item at the same time; the most are the calls of `deliver` that take slots of one destination.
 */
export const CONFLICT_TRIES = 30;

/** Where a try is a whole piece of work, with queries that cost: the next call begins it again anyway. */
export const WORK_TRIES = 5;

/**
 * Runs `attempt` again after each ConflictError: it must read anew what it decides by. `pause` comes before each further
 * try. @throws what `gaveUp` makes of the last ConflictError, or that itself
 */
export async function retryConflicts<T>(
  attempt: () => Promise<T>,
  options: { tries?: number; pause?: () => Promise<void>; gaveUp?: (cause: ConflictError) => Error } = {},
): Promise<T> {
  const { tries = CONFLICT_TRIES } = options;
  for (let tried = 1; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      if (tried === tries) throw options.gaveUp?.(error) ?? error;
      await options.pause?.();
    }
  }
}
