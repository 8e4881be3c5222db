import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { absorb, delivered, n2, opened, REPEAT_MS, timing, transition } from '../../test/incidents.ts';
import { ConfigError, PermanentError, RetryableError } from '../errors.ts';
import type { Incident } from '../model/incident.ts';
import type { NotifyReason } from '../model/notify-reason.ts';
import {
  type AfterFailure,
  afterFailure,
  beginAttempt,
  concludeAttempt,
  FAILED_AFTER_MS,
  FAILOVER_AFTER_MS,
  failAttempt,
  LEASE_MS,
  OFFER_AFTER_MS,
  perhapsShown,
  RETRY_FIRST_MS,
  RETRY_MAX_MS,
  tryOnceMore,
} from './attempt.ts';
import { forgetEnded } from './decide.ts';

const sending = (incident: Incident, reason: NotifyReason = 'first') => ({ alerts: incident.alerts, reason });
const refused: AfterFailure = { outcome: 'failed', retryAtMs: 301_000, failOver: false };

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
    const sent = concludeAttempt({ incident: more, attempt: second, timing, nowMs: 9_000 });
    expect(beginAttempt(sent, sending(sent, 'repeat'), REPEAT_MS).number).toBe(3);
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
  /** Up to a quarter earlier, spread by incident. */
  const soon = (afterMs: number, nowMs = 1_000) =>
    expect.toSatisfy((ms: number) => ms >= nowMs + afterMs * 0.75 && ms <= nowMs + afterMs);
  const retry = (afterMs: number) => ({ outcome: 'retry', retryAtMs: soon(afterMs), failOver: false });
  const failed = (afterMs: number) => ({ outcome: 'failed', retryAtMs: 1_000 + afterMs, failOver: false });

  it.each([
    ['an unknown error is retried', () => outcomeOf(new Error('x')), retry(RETRY_FIRST_MS)],
    ['waits double', () => outcomeOf(new Error('x'), { tries: 3 }), retry(4 * RETRY_FIRST_MS)],
    ['up to a maximum', () => outcomeOf(new Error('x'), { tries: 99 }), retry(RETRY_MAX_MS)],
    [
      'a final answer is offered again after groupInterval',
      () => outcomeOf(new PermanentError('x')),
      failed(300_000),
    ],
    [
      'no sooner than five minutes',
      () => outcomeOf(new PermanentError('x'), { groupIntervalMs: 1_000 }),
      failed(OFFER_AFTER_MS.least),
    ],
    [
      'no later than an hour',
      () => outcomeOf(new PermanentError('x'), { groupIntervalMs: 86_400_000 }),
      failed(OFFER_AFTER_MS.most),
    ],
    [
      'what the operator must mend without a fallback is tried again slowly',
      () => outcomeOf(new ConfigError('x')),
      retry(RETRY_MAX_MS),
    ],
    [
      'and handed over where there is one',
      () => outcomeOf(new ConfigError('x'), { hasFallback: true }),
      { outcome: 'failed', retryAtMs: soon(RETRY_MAX_MS), failOver: true },
    ],
    [
      'a final answer is handed over too',
      () => outcomeOf(new PermanentError('x'), { hasFallback: true }),
      { ...failed(300_000), failOver: true },
    ],
    [
      'a channel has five minutes before its fallback is asked',
      () => outcomeOf(new Error('x'), { hasFallback: true, nowMs: FAILOVER_AFTER_MS - 2_000 }),
      { outcome: 'retry', retryAtMs: soon(RETRY_FIRST_MS, FAILOVER_AFTER_MS - 2_000), failOver: false },
    ],
    [
      'and goes on being tried then',
      () => outcomeOf(new Error('x'), { hasFallback: true, nowMs: FAILOVER_AFTER_MS }),
      { outcome: 'failed', retryAtMs: soon(RETRY_FIRST_MS, FAILOVER_AFTER_MS), failOver: true },
    ],
    [
      'after a day it is offered, not retried',
      () => outcomeOf(new Error('x'), { nowMs: 1_000 + FAILED_AFTER_MS }),
      { outcome: 'failed', retryAtMs: 1_000 + FAILED_AFTER_MS + 300_000, failOver: false },
    ],
  ])('%s', (_name, outcome, expected) => {
    expect(outcome()).toEqual(expected);
  });

  const slot = { destination: 'd', lane: 'normal' as const, atMs: 1_000, sinceMs: 1_000 };
  const limited = (retryAtMs: number, extra: { hasFallback?: boolean; sinceMs?: number } = {}) =>
    afterFailure({
      error: new RetryableError('busy', { rateLimited: true }),
      attempt: { ...first, tries: 9, rateLimits: 8 },
      again: { slot: { ...slot, sinceMs: extra.sinceMs ?? 1_000 }, retryAtMs },
      incidentId: incident.id,
      hasFallback: extra.hasFallback ?? false,
      groupIntervalMs: 300_000,
      nowMs: 1_000,
    });

  it('with 429 it keeps its place, waits as its destination does, and counts no failure', () => {
    const after = limited(5_000);
    expect(after).toEqual({
      outcome: 'retry',
      retryAtMs: 5_000,
      failOver: false,
      limited: true,
      rateLimited: true,
      slot,
    });
    const put = failAttempt(incident, first, after, 'busy');
    expect(put).toMatchObject({ slot, dueAtMs: 5_000, attempt: { tries: 1, rateLimits: 1, limited: true } });
    // Doubling starts with the first real failure.
    const next = beginAttempt(put, sending(incident), 5_000);
    expect(next).toMatchObject({ tries: 2, rateLimits: 1 });
  });

  it.each([
    ['its wait is longer than five minutes', () => limited(1_001 + FAILOVER_AFTER_MS, { hasFallback: true })],
    [
      'it has waited for others before',
      () => limited(5_000, { hasFallback: true, sinceMs: 4_000 - FAILOVER_AFTER_MS }),
    ],
  ])('with 429 it goes to the fallback once %s, and is no failure all the same', (_name, outcome) => {
    expect(outcome()).toMatchObject({ outcome: 'retry', failOver: true, limited: true });
  });

  it('retries of many incidents do not come in step', () => {
    const waits = Array.from({ length: 100 }, (_, i) =>
      outcomeOf(new Error('x'), { id: `inc-${i}`, tries: 9 }),
    );
    const times = waits.map(({ retryAtMs }) => retryAtMs - 1_000);
    expect(new Set(times).size).toBeGreaterThan(80);
    expect(Math.max(...times)).toBeLessThanOrEqual(RETRY_MAX_MS);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(RETRY_MAX_MS * 0.75);
  });

  it('is at a whole millisecond', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(30), (id, tries) => {
        expect(Number.isInteger(outcomeOf(new Error('x'), { id, tries }).retryAtMs)).toBe(true);
      }),
    );
  });

  it('a reminder that fails leaves what was sent as it was', () => {
    const sent = delivered(opened(), 1_000);
    const attempt = beginAttempt(sent, sending(sent, 'repeat'), REPEAT_MS);
    expect(failAttempt(sent, attempt, refused, 'no').notified).toEqual(sent.notified);
  });
});
