import { describe, expect, it } from 'vitest';
import { absorb, delivered, n2, opened, REPEAT_MS, route, timing, transition } from '../../test/incidents.ts';
import type { Incident, IncidentAlert, NotificationAttempt } from '../model/incident.ts';
import { newsOf, nextCheckMs, repeatAtMs, sendAtMs, timingOf } from './timing.ts';

const INTERVAL = timing.groupIntervalMs;
const attemptOf = (change: Partial<NotificationAttempt>): NotificationAttempt => ({
  number: 1,
  says: { 'memory/n1@1000': 'firing' },
  tries: 1,
  firstTriedAtMs: 2_000,
  ...change,
});
const at = (incident: Incident, change = {}) =>
  sendAtMs(incident, newsOf(incident), { ...timing, ...change });

describe('the timing of an incident', () => {
  it('is that of its route today, and resolved messages may be early unless the route says otherwise', () => {
    const { resolvedEarly: _, ...older } = route('r', { groupWaitMs: 7 });
    expect(
      timingOf({ route: 'r' }, { routes: [route('q'), older as typeof older & { resolvedEarly: true }] }),
    ).toMatchObject({
      groupWaitMs: 7,
      resolvedEarly: true,
    });
    expect(timingOf({ route: 'r' }, { routes: [route('r', { resolvedEarly: false })] }).resolvedEarly).toBe(
      false,
    );
  });

  it('without a route sends at once, then every five minutes, and reminds every four hours', () => {
    expect(timingOf({ route: 'gone' }, { routes: [route('r')] })).toEqual({
      groupWaitMs: 0,
      groupIntervalMs: 300_000,
      repeatIntervalMs: 14_400_000,
      resolvedEarly: true,
    });
  });
});

describe('what is new may be sent', () => {
  it('`groupWait` after the first alert of a group that the channel was sent nothing of', () => {
    const both = absorb(opened(transition('firing', 1_000), 5_000), transition('firing', 6_000, n2), 6_000);
    expect(at(both, { groupWaitMs: 30_000 })).toBe(35_000);
    // Records of older releases do not say when it entered.
    const alerts = both.alerts.map(({ enteredAtMs: _, ...rest }): IncidentAlert => rest);
    expect(at({ ...both, alerts }, { groupWaitMs: 30_000 })).toBe(31_000);
  });

  it('`groupInterval` after the last message, also where that was of alerts which have left', () => {
    const more = absorb(delivered(opened(), 9_000), transition('firing', 20_000, n2), 20_000);
    expect(at(more)).toBe(9_000 + INTERVAL);
    const other = { ...more, alerts: more.alerts.filter(({ alertId }) => alertId === 'memory/n2') };
    expect(at({ ...other, notified: {} }, { groupWaitMs: 1_000 })).toBe(21_000);
  });

  it('at once where all have ended, if the route allows it, but once in `groupInterval` only', () => {
    const ended = absorb(delivered(opened(), 9_000), transition('resolved', 20_000), 20_000);
    expect(at(ended)).toBe(9_000 + INTERVAL);
    expect(at(ended, { resolvedEarly: true })).toBe(9_000);
    const before = { ...ended, earlyResolvedAtMs: 4_000 };
    expect(at(before, { resolvedEarly: true })).toBe(4_000 + INTERVAL);
    expect(at({ ...ended, earlyResolvedAtMs: 11_000 }, { resolvedEarly: true })).toBe(9_000 + INTERVAL);
    const oneFires = absorb(ended, transition('firing', 21_000, n2), 21_000);
    expect(at(oneFires, { resolvedEarly: true })).toBe(9_000 + INTERVAL);
  });

  it.each<[string, Partial<NotificationAttempt>, boolean, number]>([
    ['a sender has it until its lease ends', { leaseUntilMs: 77_000, retryAtMs: 5_000 }, true, 77_000],
    ['a failed try waits for its retry', { retryAtMs: 400_000 }, false, 400_000],
    ['without news however it failed', { retryAtMs: 400_000, failed: true }, false, 400_000],
    ['something new waits for it too, while the channel may take it', { retryAtMs: 400_000 }, true, 400_000],
    ['but a minute only once it failed for good', { retryAtMs: 400_000, failed: true }, true, 62_000],
    ['or its fallback has it', { retryAtMs: 400_000, handedOver: true }, true, 62_000],
    ['from the last try on', { retryAtMs: 400_000, failed: true, triedAtMs: 50_000 }, true, 110_000],
    ['never longer than for the retry', { retryAtMs: 30_000, failed: true }, true, 30_000],
    [
      'unless the service asked us to wait',
      { retryAtMs: 400_000, failed: true, limited: true },
      true,
      400_000,
    ],
    ['a try that nobody put off waits for nothing', {}, true, 1_000],
  ])('%s', (_, change, hasNew, expected) => {
    const first = { ...opened(), attempt: attemptOf(change) };
    expect(at(hasNew ? absorb(first, transition('firing', 8_000, n2), 8_000) : first)).toBe(expected);
  });

  it('not before its group may be sent, though a retry is due', () => {
    const first = { ...delivered(opened(), 9_000), attempt: attemptOf({ retryAtMs: 10_000, failed: true }) };
    expect(at(absorb(first, transition('firing', 9_500, n2), 9_500))).toBe(9_000 + INTERVAL);
  });
});

describe('a reminder', () => {
  const sent = delivered(opened(), 9_000);
  it.each<[string, Incident, number]>([
    ['is due after `repeatInterval`', sent, 9_000 + REPEAT_MS],
    ['is none of what was never sent', opened(), Infinity],
    ['waits for a retry', { ...sent, attempt: attemptOf({ retryAtMs: REPEAT_MS * 2 }) }, REPEAT_MS * 2],
    [
      'waits for a lease',
      { ...sent, attempt: attemptOf({ leaseUntilMs: REPEAT_MS * 3, retryAtMs: 1 }) },
      REPEAT_MS * 3,
    ],
  ])('%s', (_, incident, expected) => {
    expect(repeatAtMs(incident, timing)).toBe(expected);
  });
});

describe('an incident is checked again', () => {
  const sent = delivered(opened(), 9_000);
  const { dueAtMs: _due, ...empty } = { ...sent, alerts: [], notified: {} };
  it.each<[string, Incident, number | undefined]>([
    ['when its news may be sent', absorb(sent, transition('firing', 20_000, n2), 20_000), 9_000 + INTERVAL],
    ['when its reminder is due', sent, 9_000 + REPEAT_MS],
    ['never if its channel is gone', { ...sent, orphanedAtMs: 10_000 }, undefined],
    ['never without alerts', empty, undefined],
    [
      'but while another early message would be too soon',
      { ...empty, earlyResolvedAtMs: 9_000 },
      9_000 + INTERVAL,
    ],
  ])('%s', (_, incident, expected) => {
    expect(nextCheckMs(incident, timing)).toBe(expected);
  });

  it('never where a route wants no reminders', () => {
    expect(nextCheckMs(sent, { ...timing, repeatIntervalMs: Infinity })).toBeUndefined();
  });
});
