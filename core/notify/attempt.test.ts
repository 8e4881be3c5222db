import { describe, expect, it } from 'vitest';
import { absorb, n2, opened, transition } from '../../test/incidents.ts';
import { ConfigError, PermanentError, RetryableError } from '../errors.ts';
import {
  afterFailure,
  beginAttempt,
  failOver,
  GIVE_UP_MS,
  GIVE_UP_WITH_FALLBACK_MS,
  RETRY_FIRST_MS,
  RETRY_MAX_MS,
} from './attempt.ts';

describe('an attempt', () => {
  const incident = opened();
  const first = beginAttempt(incident, incident.alerts, 1_000);

  it('keeps its number while it says the same, and takes the next for other content', () => {
    const again = beginAttempt({ ...incident, attempt: first }, incident.alerts, 9_000);
    expect(again).toEqual({ ...first, tries: 2 });
    const more = absorb({ ...incident, attempt: first }, transition('firing', 2_000, n2), 2_000);
    expect(beginAttempt(more, more.alerts, 9_000)).toMatchObject({
      number: 2,
      tries: 2,
      firstTriedAtMs: 1_000,
    });
  });

  const outcomeOf = (error: unknown, extra: { tries?: number; nowMs?: number; fallback?: string } = {}) =>
    afterFailure({
      error,
      attempt: { ...first, tries: extra.tries ?? 1 },
      fallback: extra.fallback,
      nowMs: extra.nowMs ?? 1_000,
    });

  it.each([
    [
      'an unknown error is retried',
      outcomeOf(new Error('x')),
      { kind: 'retry', atMs: 1_000 + RETRY_FIRST_MS },
    ],
    [
      'waits double',
      outcomeOf(new Error('x'), { tries: 3 }),
      { kind: 'retry', atMs: 1_000 + 4 * RETRY_FIRST_MS },
    ],
    [
      'up to a maximum',
      outcomeOf(new Error('x'), { tries: 99 }),
      { kind: 'retry', atMs: 1_000 + RETRY_MAX_MS },
    ],
    [
      'retryAfter is obeyed',
      outcomeOf(new RetryableError('x', { retryAfterMs: 70_000 })),
      { kind: 'retry', atMs: 71_000 },
    ],
    ['a permanent error is final', outcomeOf(new PermanentError('x')), { kind: 'give-up' }],
    [
      'a configuration error without one is tried again slowly',
      outcomeOf(new ConfigError('x')),
      { kind: 'retry', atMs: 1_000 + RETRY_MAX_MS },
    ],
    [
      'a configuration error goes to the fallback',
      outcomeOf(new ConfigError('x'), { fallback: 'b' }),
      { kind: 'fallback', channel: 'b' },
    ],
    [
      'patience ends early with a fallback',
      outcomeOf(new Error('x'), { fallback: 'b', nowMs: 1_000 + GIVE_UP_WITH_FALLBACK_MS }),
      { kind: 'fallback', channel: 'b' },
    ],
    [
      'and late without',
      outcomeOf(new Error('x'), { nowMs: 1_000 + GIVE_UP_WITH_FALLBACK_MS }),
      { kind: 'retry', atMs: 1_000 + GIVE_UP_WITH_FALLBACK_MS + RETRY_FIRST_MS },
    ],
    ['but it ends', outcomeOf(new Error('x'), { nowMs: 1_000 + GIVE_UP_MS }), { kind: 'give-up' }],
  ])('%s', (_name, got, expected) => {
    expect(got).toEqual(expected);
  });

  it('goes to the fallback under the same number', () => {
    const handed = { ...incident, attempt: failOver(first, 'b', 5_000) };
    expect(beginAttempt(handed, incident.alerts, 5_000)).toMatchObject({ number: 1, channel: 'b', tries: 1 });
  });
});
