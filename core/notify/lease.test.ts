import { describe, expect, it } from 'vitest';
import { absorb, delivered, n2, opened, timing, transition } from '../../test/incidents.ts';
import { PermanentError, RetryableError } from '../errors.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
import {
  asksToWait,
  beginAttempt,
  concludeAttempt,
  failAttempt,
  LEASE_MS,
  leaseIncident,
  perhapsShown,
  RETRY_FIRST_MS,
  tryOnceMore,
} from './attempt.ts';

const N1 = 'memory/n1@1000';
const N2 = 'memory/n2@2000';
const two = absorb(opened(), transition('firing', 2_000, n2), 2_000);
const sending = (incident: Incident, more: { epoch?: string } = {}, nowMs = 3_000) =>
  beginAttempt(incident, { alerts: incident.alerts, reason: 'first', ...more }, nowMs);
const withEach = (incident: Incident, change: Partial<IncidentAlert>): Incident => ({
  ...incident,
  alerts: incident.alerts.map((alert) => ({ ...alert, ...change })),
});

describe('an incident while a sender has it', () => {
  const slot = { destination: 'd', lane: 'normal' as const, atMs: 1, sinceMs: 1 };

  it('is due when the lease ends, and has given its slot up', () => {
    const leased = leaseIncident({ ...two, slot }, sending(two));
    expect(leased).toMatchObject({ dueAtMs: 3_000 + LEASE_MS, attempt: { number: 1, triedAtMs: 3_000 } });
    expect(leased).not.toHaveProperty('slot');
  });

  it('holds its alerts as no longer withheld, waiting from now on', () => {
    const leased = leaseIncident(withEach(two, { heldBack: 'silence', freed: true }), sending(two));
    for (const alert of leased.alerts) {
      expect(alert).not.toHaveProperty('heldBack');
      expect(alert).not.toHaveProperty('freed');
      expect(alert.enteredAtMs).toBe(3_000);
    }
    expect(leaseIncident(two, sending(two)).alerts.map(({ enteredAtMs }) => enteredAtMs)).toEqual([
      1_000, 2_000,
    ]);
  });

  it('leaves alerts alone that the message does not name', () => {
    const held = withEach(two, { heldBack: 'silence' });
    const first = { ...held, alerts: held.alerts.slice(0, 1) };
    const [, other] = leaseIncident(held, sending(first)).alerts;
    expect(other).toBe(held.alerts[1]);
  });

  it('notes when an end was offered first, once', () => {
    const ended = absorb(two, transition('resolved', 2_500), 2_500);
    const leased = leaseIncident(ended, sending(ended));
    expect(leased.alerts.map(({ status, endOfferedAtMs }) => [status, endOfferedAtMs])).toEqual([
      ['firing', undefined],
      ['resolved', 3_000],
    ]);
    const again = leaseIncident(leased, sending(leased, {}, 9_000));
    expect(again.alerts[1]?.endOfferedAtMs).toBe(3_000);
  });
});

describe('the number of a message', () => {
  it('has the epoch in which it was given, and keeps it while the content stays', () => {
    const first = sending(two, { epoch: 'e1' });
    expect(first).toMatchObject({ number: 1, epoch: 'e1' });
    expect(sending(two)).not.toHaveProperty('epoch');
    const failed = { ...two, attempt: { ...first, retryAtMs: 9_000, limited: true as const } };
    const again = sending(failed, { epoch: 'e2' }, 9_000);
    expect(again).toMatchObject({
      number: 1,
      epoch: 'e1',
      tries: 2,
      triedAtMs: 9_000,
      firstTriedAtMs: 3_000,
    });
    expect(again).not.toHaveProperty('limited');
    const more = absorb(failed, transition('firing', 4_000, { ...n2, node: 'n3' }), 4_000);
    expect(sending(more, { epoch: 'e2' })).toMatchObject({ number: 2, epoch: 'e2' });
    expect(sending(more)).not.toHaveProperty('epoch');
  });

  it('is above all that were in use, whoever used them', () => {
    const attempt = sending(two);
    const other = absorb({ ...two, attempt }, transition('resolved', 4_000, n2), 4_000);
    expect(sending({ ...other, notifications: 7 }).number).toBe(8);
    expect(sending({ ...other, attempt: { ...attempt, number: 9 }, notifications: 7 }).number).toBe(10);
    expect(sending({ ...two, notifications: 7 }).number).toBe(8);
  });

  it('is another one where an alert was replaced by another, though they are as many', () => {
    const attempt = sending({ ...two, alerts: two.alerts.slice(0, 1) });
    const other = { ...two, alerts: two.alerts.slice(1), attempt };
    expect(sending(other).number).toBe(2);
    const ended = absorb({ ...opened(), attempt }, transition('resolved', 4_000), 4_000);
    expect(sending(ended).number).toBe(2);
  });
});

describe('what readers may have seen', () => {
  const first = sending(two);
  const { leaseUntilMs: _lease, ...done } = first;
  it.each([
    ['nothing of a try with an answer', done, []],
    ['all of one that a dead sender left', first, [N1, N2]],
    ['all of one without a clear answer', { ...done, unclear: true as const }, [N1, N2]],
    ['what earlier ones may have shown', { ...done, perhaps: [N2] }, [N2]],
    ['each once', { ...first, perhaps: [N2] }, [N2, N1]],
  ])('%s', (_, attempt, expected) => {
    expect(perhapsShown(attempt)).toEqual(expected);
  });
});

describe('an incident whose message was accepted', () => {
  const conclude = (incident: Incident, attempt = sending(incident), nowMs = 5_000) =>
    concludeAttempt({ incident, attempt, timing, nowMs });

  it('knows what was sent, and has no attempt any more', () => {
    const after = conclude(two);
    expect(after).toMatchObject({
      notified: { [N1]: 'firing', [N2]: 'firing' },
      notifications: 1,
      lastNotifiedAtMs: 5_000,
      dueAtMs: 5_000 + timing.repeatIntervalMs,
    });
    expect(after).not.toHaveProperty('attempt');
    expect(conclude({ ...two, notifications: 4 }, { ...sending(two), number: 2 }).notifications).toBe(4);
  });

  it('loses alerts whose end was sent, and keeps those that ended meanwhile', () => {
    const ended = absorb(two, transition('resolved', 4_000, n2), 4_000);
    const kept = (attempt = sending(ended)) => conclude(ended, attempt).alerts.map(({ status }) => status);
    expect(kept()).toEqual(['firing']);
    expect(kept(sending(two))).toEqual(['firing', 'resolved']);
    const all = absorb(ended, transition('resolved', 4_500), 4_500);
    expect(conclude(all)).toMatchObject({ alerts: [], closedAtMs: 5_000, notified: {} });
  });

  it('remembers that a resolved message went out early, and no other', () => {
    const sent = delivered(opened(), 2_000);
    const ended = absorb(sent, transition('resolved', 4_000), 4_000);
    expect(conclude(ended).earlyResolvedAtMs).toBe(5_000);
    const intervalMs = timing.groupIntervalMs;
    expect(conclude(ended, sending(ended), 2_000 + intervalMs - 1).earlyResolvedAtMs).toBe(
      2_000 + intervalMs - 1,
    );
    expect(conclude(ended, sending(ended), 2_000 + intervalMs)).not.toHaveProperty('earlyResolvedAtMs');
    const first = absorb(opened(), transition('resolved', 4_000), 4_000);
    expect(conclude(first)).not.toHaveProperty('earlyResolvedAtMs');
    const more = absorb(ended, transition('firing', 4_500, n2), 4_500);
    expect(conclude(more)).not.toHaveProperty('earlyResolvedAtMs');
  });

  it('must send the end of what readers may have seen before', () => {
    const attempt = { ...sending({ ...two, alerts: two.alerts.slice(0, 1) }), perhaps: [N2] };
    expect(conclude(two, attempt).alerts.map(({ perhaps }) => perhaps)).toEqual([undefined, true]);
  });
});

describe('an incident whose message was not accepted', () => {
  const slot = { destination: 'd', lane: 'urgent' as const, atMs: 9, sinceMs: 1 };
  const failed = failAttempt(
    { ...two, slot: { ...slot, atMs: 2 } },
    { ...sending(two), rateLimits: 2 },
    { outcome: 'failed', retryAtMs: 60_000, failOver: true, limited: true, rateLimited: true, slot },
    'busy',
  );

  it('has all that follows from it', () => {
    expect(failed).toMatchObject({
      slot,
      dueAtMs: 60_000,
      attempt: {
        failed: true,
        handedOver: true,
        limited: true,
        rateLimits: 3,
        retryAtMs: 60_000,
        error: 'busy',
      },
    });
    expect(failed.attempt).not.toHaveProperty('leaseUntilMs');
  });

  it('has nothing else', () => {
    const plain = failAttempt(
      two,
      sending(two),
      { outcome: 'retry', retryAtMs: 60_000, failOver: false },
      'no',
    );
    expect(Object.keys(plain.attempt ?? {}).sort()).toEqual(
      ['error', 'firstTriedAtMs', 'number', 'reason', 'retryAtMs', 'says', 'triedAtMs', 'tries'].sort(),
    );
    expect(plain).not.toHaveProperty('slot');
  });

  it('is tried once more soon where the answer was neither yes nor no', () => {
    const once = tryOnceMore(two, sending(two), 5_000);
    expect(once.attempt).toMatchObject({ unclear: true, retryAtMs: 5_000 + RETRY_FIRST_MS });
    expect(once.attempt).not.toHaveProperty('leaseUntilMs');
  });
});

it.each<[unknown, boolean]>([
  [new RetryableError('429', { rateLimited: true }), true],
  [new RetryableError('503', { retryAfterMs: 0 }), true],
  [new RetryableError('503'), false],
  [new PermanentError('400'), false],
  [new Error('x'), false],
])('%s asks the whole destination to wait: %s', (error, expected) => {
  expect(asksToWait(error)).toBe(expected);
});
