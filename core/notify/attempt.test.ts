import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { absorb, n2, opened, REPEAT_MS, said, timing, transition } from '../../test/incidents.ts';
import { ConfigError, PermanentError, RetryableError } from '../errors.ts';
import {
  type AfterFailure,
  afterFailure,
  beginAttempt,
  concludeAttempt,
  FAILED_AFTER_MS,
  failAttempt,
  HAND_OVER_MS,
  LEASE_MS,
  LONGEST_RETRY_AFTER_MS,
  OFFER_AFTER_MS,
  perhapsShown,
  RETRY_FIRST_MS,
  RETRY_MAX_MS,
  tryOnceMore,
} from './attempt.ts';
import { forgetEnded } from './decide.ts';
import type { Incident, NotifyReason } from './model.ts';

const sending = (incident: Incident, reason: NotifyReason = 'first') => ({ alerts: incident.alerts, reason });
const refused: AfterFailure = { outcome: 'failed', retryAtMs: 301_000, handOver: false };

describe('an attempt', () => {
  const incident = opened();
  const first = beginAttempt(incident, sending(incident), 1_000);

  it('is leased, and keeps its number and reason while it says the same', () => {
    expect(first).toMatchObject({ number: 1, tries: 1, leaseUntilMs: 1_000 + LEASE_MS });
    const failed = failAttempt(incident, first, refused, 'no');
    expect(failed).toMatchObject({ dueAtMs: 301_000, notified: {}, notifications: 0 });
    expect(failed.attempt).toMatchObject({ failed: true, error: 'no' });
    expect(failed.attempt).not.toHaveProperty('leaseUntilMs');
    const again = beginAttempt(failed, sending(incident, 'silence-ended'), 400_000);
    expect(again).toMatchObject({ number: 1, tries: 2, reason: 'first', firstTriedAtMs: 1_000 });
    expect(again).not.toHaveProperty('retryAtMs');
  });

  it('takes the next number for other content, also after a refusal, and never one that was in use', () => {
    const failed = failAttempt(incident, first, refused, 'no');
    const more = absorb(failed, transition('firing', 2_000, n2), 2_000);
    const second = beginAttempt(more, sending(more), 9_000);
    expect(second).toMatchObject({ number: 2, tries: 2, firstTriedAtMs: 1_000 });
    const back = beginAttempt({ ...incident, attempt: second }, sending(incident), 9_000);
    expect(back.number).toBe(3);
    const told = concludeAttempt({ incident: more, attempt: second, timing, nowMs: 9_000 });
    expect(beginAttempt(told, sending(told, 'repeat'), REPEAT_MS).number).toBe(3);
  });

  it('remembers across numbers what readers may have been shown', () => {
    expect(perhapsShown(first)).toEqual(['memory/n1@1000']);
    const failed = failAttempt(incident, first, refused, 'no');
    expect(perhapsShown(failed.attempt ?? first)).toEqual([]);
    // The sender died: the next finds its lease.
    const more = absorb({ ...incident, attempt: first }, transition('firing', 2_000, n2), 2_000);
    const next = beginAttempt(more, sending(more), 200_000);
    const later = failAttempt(more, next, refused, 'no');
    expect(perhapsShown(later.attempt ?? first)).toEqual(['memory/n1@1000']);
  });

  it('whose answer was neither yes nor no is sent once more under its number, soon', () => {
    const unsure = tryOnceMore(incident, first, 2_000);
    expect(unsure).toMatchObject({ dueAtMs: 2_000 + RETRY_FIRST_MS, notified: {} });
    const again = beginAttempt(unsure, sending(incident), 4_000);
    expect(again).toMatchObject({ number: 1, unclear: true });
    const more = absorb(unsure, transition('firing', 2_000, n2), 2_000);
    expect(beginAttempt(more, sending(more), 4_000)).not.toHaveProperty('unclear');
  });
});

describe('what readers may have been shown', () => {
  it('is owed its end, also after another message of the incident was sent, and withheld to its end', () => {
    const both = absorb(opened(), transition('firing', 2_000, n2), 2_000);
    const unsure = beginAttempt(both, sending(both), 2_000);
    const next = beginAttempt(
      tryOnceMore(both, unsure, 3_000),
      { alerts: both.alerts.slice(0, 1), reason: 'first' },
      9_000,
    );
    const after = concludeAttempt({ incident: both, attempt: next, timing, nowMs: 9_000 });
    expect(after.attempt).toBeUndefined();
    const over = absorb(
      { ...after, alerts: after.alerts.map((alert) => ({ ...alert, heldBack: 'silence' as const })) },
      transition('resolved', 20_000, n2),
      20_000,
    );
    expect(forgetEnded(over, () => undefined, 20_000).incident.alerts).toHaveLength(2);
  });
});

describe('after a failure', () => {
  const incident = opened();
  const first = beginAttempt(incident, sending(incident), 1_000);
  const outcomeOf = (
    error: unknown,
    extra: {
      tries?: number;
      nowMs?: number;
      hasFallback?: boolean;
      groupIntervalMs?: number;
      id?: string;
    } = {},
  ) =>
    afterFailure({
      error,
      attempt: { ...first, tries: extra.tries ?? 1 },
      incidentId: extra.id ?? incident.id,
      hasFallback: extra.hasFallback ?? false,
      groupIntervalMs: extra.groupIntervalMs ?? 300_000,
      nowMs: extra.nowMs ?? 1_000,
    });
  const retry = (afterMs: number) => ({ outcome: 'retry', retryAtMs: 1_000 + afterMs, handOver: false });
  const failed = (afterMs: number) => ({ outcome: 'failed', retryAtMs: 1_000 + afterMs, handOver: false });

  it.each([
    ['an unknown error is retried', outcomeOf(new Error('x')), retry(RETRY_FIRST_MS)],
    ['waits double', outcomeOf(new Error('x'), { tries: 3 }), retry(4 * RETRY_FIRST_MS)],
    ['up to a maximum', outcomeOf(new Error('x'), { tries: 99 }), retry(RETRY_MAX_MS)],
    [
      'a final answer is offered again after groupInterval',
      outcomeOf(new PermanentError('x')),
      failed(300_000),
    ],
    [
      'no sooner than five minutes',
      outcomeOf(new PermanentError('x'), { groupIntervalMs: 1_000 }),
      failed(OFFER_AFTER_MS.least),
    ],
    [
      'no later than an hour',
      outcomeOf(new PermanentError('x'), { groupIntervalMs: 86_400_000 }),
      failed(OFFER_AFTER_MS.most),
    ],
    [
      'what the operator must mend without a fallback is tried again slowly',
      outcomeOf(new ConfigError('x')),
      retry(RETRY_MAX_MS),
    ],
    [
      'and handed over where there is one',
      outcomeOf(new ConfigError('x'), { hasFallback: true }),
      { ...failed(RETRY_MAX_MS), handOver: true },
    ],
    [
      'a final answer is handed over too',
      outcomeOf(new PermanentError('x'), { hasFallback: true }),
      { ...failed(300_000), handOver: true },
    ],
    [
      'a channel has five minutes before its fallback is asked',
      outcomeOf(new Error('x'), { hasFallback: true, nowMs: HAND_OVER_MS - 2_000 }),
      { outcome: 'retry', retryAtMs: HAND_OVER_MS, handOver: false },
    ],
    [
      'and goes on being tried then',
      outcomeOf(new Error('x'), { hasFallback: true, nowMs: HAND_OVER_MS }),
      { outcome: 'failed', retryAtMs: HAND_OVER_MS + RETRY_FIRST_MS, handOver: true },
    ],
    [
      'a wait that is longer than that does not keep the message from the fallback',
      outcomeOf(new RetryableError('x', { retryAfterMs: 7_200_000 }), { hasFallback: true }),
      { outcome: 'failed', retryAtMs: expect.any(Number), handOver: true, limited: true },
    ],
    [
      'after a day it is offered, not retried',
      outcomeOf(new Error('x'), { nowMs: 1_000 + FAILED_AFTER_MS }),
      { outcome: 'failed', retryAtMs: 1_000 + FAILED_AFTER_MS + 300_000, handOver: false },
    ],
  ])('%s', (_name, got, expected) => {
    expect(got).toEqual(expected);
  });

  it.each([70_000, 599_000, 7_200_000, 86_400_000, 1e15])('obeys a wait of %i ms up to ten minutes', (ms) => {
    const { outcome, retryAtMs } = outcomeOf(new RetryableError('x', { retryAfterMs: ms }));
    expect(outcome).toBe('retry');
    expect(retryAtMs - 1_000).toBeGreaterThanOrEqual(Math.min(ms, LONGEST_RETRY_AFTER_MS - 20_000));
    expect(retryAtMs - 1_000).toBeLessThanOrEqual(LONGEST_RETRY_AFTER_MS);
  });

  it.each([
    ['with a wait', { retryAfterMs: 30_000 }],
    ['with a very long one', { retryAfterMs: 7_200_000 }],
    ['without one', { rateLimited: true }],
  ])('spreads retries after a rate limit %s', (_name, error) => {
    const times = Array.from({ length: 100 }, (_, i) =>
      outcomeOf(new RetryableError('x', error), { id: `inc-${i}` }),
    );
    const seconds = times.map(({ retryAtMs }) => Math.floor(retryAtMs / 1000));
    const most = Math.max(...[...Map.groupBy(seconds, (s) => s).values()].map((all) => all.length));
    expect(most).toBeLessThan(20);
    const same = outcomeOf(new RetryableError('x', error), { id: 'inc-7' });
    expect(same).toEqual(times[7]);
  });

  it('is at a whole millisecond, whatever a service asks for', () => {
    const ms = fc.oneof(
      fc.double({ min: 0, max: 1e12, noNaN: true }),
      fc.constantFrom(40_500, 40_500.25, 0.1),
    );
    fc.assert(
      fc.property(ms, fc.string(), (retryAfterMs, id) => {
        const { retryAtMs } = outcomeOf(new RetryableError('x', { retryAfterMs }), { id });
        expect(Number.isInteger(retryAtMs)).toBe(true);
      }),
    );
  });

  it('a reminder that fails leaves what was sent as it was', () => {
    const told = said(opened(), 1_000);
    const attempt = beginAttempt(told, sending(told, 'repeat'), REPEAT_MS);
    expect(failAttempt(told, attempt, refused, 'no').notified).toEqual(told.notified);
  });
});
