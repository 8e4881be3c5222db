import { expect, it } from 'vitest';
import { CONFLICT_TRIES, retryConflicts } from './conflicts.ts';
import { ConflictError, RetryableError } from './errors.ts';

/** Conflicts so often before it succeeds. */
const conflicting = (times: number) => {
  const attempt = async () => {
    attempt.tries++;
    if (attempt.tries <= times) throw new ConflictError(`try ${attempt.tries}`);
    return attempt.tries;
  };
  attempt.tries = 0;
  return attempt;
};

it('tries again after each conflict, with a pause before', async () => {
  let pauses = 0;
  const pause = async () => void pauses++;
  expect(await retryConflicts(conflicting(3), { pause })).toBe(4);
  expect(pauses).toBe(3);
  expect(await retryConflicts(conflicting(CONFLICT_TRIES - 1))).toBe(CONFLICT_TRIES);
});

it('gives up with the last conflict, or with the error that the caller makes of it', async () => {
  const attempt = conflicting(Infinity);
  await expect(retryConflicts(attempt)).rejects.toThrow(`try ${CONFLICT_TRIES}`);
  expect(attempt.tries).toBe(CONFLICT_TRIES);
  await expect(retryConflicts(conflicting(Infinity), { tries: 2 })).rejects.toThrow('try 2');
  const gaveUp = (cause: ConflictError) => new RetryableError('others were first', { cause });
  await expect(retryConflicts(conflicting(Infinity), { gaveUp })).rejects.toThrow(RetryableError);
});

it('does not try again after another error', async () => {
  let tries = 0;
  const attempt = async () => {
    tries++;
    throw new RetryableError('no answer');
  };
  await expect(retryConflicts(attempt)).rejects.toThrow('no answer');
  expect(tries).toBe(1);
});
