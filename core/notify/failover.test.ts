import { describe, expect, it } from 'vitest';
import { absorb, delivered, n2, opened, rule, timing, transition } from '../../test/incidents.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
import { beginAttempt } from './attempt.ts';
import { episodeOf } from './episode.ts';
import { failOver, markFallback, markNotified, notifiedElsewhere, unacceptedOf } from './failover.ts';

const N1 = 'memory/n1@1000';
const N2 = 'memory/n2@2000';
const two = absorb(opened(), transition('firing', 2_000, n2), 2_000);
const sending = (incident: Incident) =>
  beginAttempt(incident, { alerts: incident.alerts, reason: 'first' }, 3_000);
const withEach = (incident: Incident, change: Partial<IncidentAlert>): Incident => ({
  ...incident,
  alerts: incident.alerts.map((alert) => ({ ...alert, ...change })),
});
const episodes = (alerts: readonly IncidentAlert[] = []) => alerts.map(episodeOf);

describe('what a channel has not accepted of a message', () => {
  it.each<[string, Incident, string[]]>([
    ['all that it says', two, [N1, N2]],
    ['not what was accepted before', { ...two, notified: { [N1]: 'firing' } }, [N2]],
    [
      'its end, though it accepted the firing',
      { ...withEach(two, { status: 'resolved' }), notified: { [N1]: 'firing' } },
      [N1, N2],
    ],
    ['not what the fallback has accepted', withEach(two, { standIn: 'firing' }), []],
    [
      'its end, though the fallback accepted the firing',
      withEach(two, { status: 'resolved', standIn: 'firing' }),
      [N1, N2],
    ],
  ])('%s', (_, incident, expected) => {
    expect(episodes(unacceptedOf(incident, sending(incident)))).toEqual(expected);
  });

  it('not what has changed since', () => {
    const ended = absorb(two, transition('resolved', 4_000, n2), 4_000);
    expect(episodes(unacceptedOf(ended, sending(two)))).toEqual([N1]);
  });
});

describe('the incident of a fallback', () => {
  const over = (change: Partial<Parameters<typeof failOver>[0]> = {}) => {
    const incident = change.incident ?? two;
    return failOver({
      incident,
      attempt: sending(incident),
      fallback: 'mail',
      fallbackIncident: undefined,
      hasAnyway: () => false,
      timing,
      nowMs: 5_000,
      ...change,
    });
  };

  it('is opened for the same group with what its channel did not accept, unsent and due now', () => {
    const made = over();
    expect(made).toMatchObject({
      route: 'r',
      channel: 'mail',
      groupKey: 'g',
      groupLabels: { rule: 'memory', cluster: 'c1' },
      standsInFor: 'ops',
      openedAtMs: 5_000,
      dueAtMs: 5_000,
      notified: {},
      notifications: 0,
      rules: { memory: rule() },
    });
    expect(made?.alerts.map((alert) => [episodeOf(alert), alert.enteredAtMs])).toEqual([
      [N1, 5_000],
      [N2, 5_000],
    ]);
    // Made again it is the same incident; by another firing it is another.
    expect(over()?.id).toBe(made?.id);
    expect(over({ nowMs: 6_000 })?.id).not.toBe(made?.id);
    expect(over({ incident: opened(transition('firing', 1_500)) })?.id).not.toBe(made?.id);
  });

  it('knows nothing of what its channel went through', () => {
    const marked = withEach(two, {
      heldBack: 'silence',
      freed: true,
      inherited: true,
      perhaps: true,
      endOfferedAtMs: 4_000,
      standIn: 'resolved',
    });
    for (const alert of over({ incident: marked })?.alerts ?? []) {
      expect(Object.keys(alert).sort()).toEqual(Object.keys(two.alerts[0] ?? {}).sort());
    }
  });

  it('remembers who was sent the firing', () => {
    const sent = { ...withEach(two, { status: 'resolved' }), notified: { [N1]: 'firing' as const } };
    expect(over({ incident: sent })?.alerts.map(({ heardBy }) => heardBy)).toEqual([['ops'], undefined]);
    const known = withEach(sent, { heardBy: ['chat'] });
    expect(over({ incident: known })?.alerts.map(({ heardBy }) => heardBy)).toEqual([
      ['chat', 'ops'],
      ['chat'],
    ]);
  });

  it.each<[string, Partial<Parameters<typeof failOver>[0]>, string[]]>([
    ['what it was sent already', { incident: withEach(two, { heardBy: ['mail'] }) }, []],
    ['what routes send it anyway', { hasAnyway: (alert) => episodeOf(alert) === N1 }, [N2]],
    ['what it holds', { fallbackIncident: { ...opened(), channel: 'mail' } }, [N1, N2]],
  ])('does not get %s once more', (_, change, expected) => {
    const made = over(change);
    expect(episodes(made?.alerts)).toEqual(expected);
  });

  it('is not touched where it has all of it', () => {
    expect(over({ fallbackIncident: { ...two, channel: 'mail' } })).toBeUndefined();
    expect(over({ hasAnyway: () => true })).toBeUndefined();
  });

  it('that is open gains the alerts and their rules, and keeps its own', () => {
    const open = {
      ...opened(transition('firing', 1_000)),
      channel: 'mail',
      id: 'i9',
      rules: { other: rule('other') },
    };
    const made = over({ fallbackIncident: open });
    expect(made).toMatchObject({ id: 'i9', rules: { other: rule('other'), memory: rule() } });
    expect(made).not.toHaveProperty('standsInFor');
  });
});

describe('a channel whose fallback accepted a message', () => {
  const accepted = { says: { [N1]: 'firing' as const }, channel: 'mail' };

  it('remembers that, and by whom, once', () => {
    const marked = markFallback(two, accepted, timing, 5_000);
    expect(marked.alerts.map(({ standIn, heardBy }) => [standIn, heardBy])).toEqual([
      ['firing', ['mail']],
      [undefined, undefined],
    ]);
    expect(markFallback(marked, accepted, timing, 6_000)).toBe(marked);
    const ended = markFallback(marked, { says: { [N1]: 'resolved' }, channel: 'mail' }, timing, 6_000);
    expect(ended.alerts[0]).toMatchObject({ standIn: 'resolved', heardBy: ['mail'] });
    expect(
      markFallback(ended, { says: { [N1]: 'firing' }, channel: 'chat' }, timing, 7_000).alerts[0]?.heardBy,
    ).toEqual(['mail', 'chat']);
  });

  it('is unchanged by a message of other alerts', () => {
    expect(markFallback(two, { says: { other: 'firing' }, channel: 'mail' }, timing, 5_000)).toBe(two);
  });
});

describe('incidents of an alert that has ended', () => {
  const ended = (channel: string, change: Partial<Incident> = {}): Incident => ({
    ...absorb(opened(), transition('resolved', 4_000), 4_000),
    channel,
    ...change,
  });
  const learned = (before: readonly Incident[], incident = ended('ops')) =>
    markNotified([incident], 'memory/n1', before)[0]?.alerts[0];
  const sent = { notified: { [N1]: 'firing' as const } };

  it('learn which other channels were sent the firing, each once', () => {
    const before = [
      ended('ops', sent),
      ended('mail', sent),
      ended('mail', sent),
      ended('chat'),
      ended('sms', sent),
    ];
    expect(learned(before)?.heardBy).toEqual(['mail', 'sms']);
    expect(learned(before, withEach(ended('ops'), { heardBy: ['sms'] }))?.heardBy).toEqual(['sms', 'mail']);
    expect(learned(before)).not.toHaveProperty('inherited');
  });

  it('inherit the end where only channels that are gone were sent it', () => {
    const gone = ended('mail', { ...sent, orphanedAtMs: 1 });
    expect(learned([gone])).toMatchObject({ heardBy: ['mail'], inherited: true });
    expect(learned([gone, ended('sms', sent)])).not.toHaveProperty('inherited');
  });

  it('stay the same objects where there is nothing to learn', () => {
    for (const [incident, before] of [
      [ended('ops'), [ended('ops', sent)]],
      [ended('ops'), [ended('mail')]],
      [opened(), [ended('mail', sent)]],
    ] as const) {
      expect(markNotified([incident], 'memory/n1', before)[0]).toBe(incident);
    }
    const other = ended('ops');
    expect(markNotified([other], 'memory/n2', [ended('mail', sent)])[0]).toBe(other);
  });
});

describe('an incident whose end another channel was sent', () => {
  it('remembers that channel for these episodes, once', () => {
    const marked = notifiedElsewhere(two, new Set([N2]), 'mail');
    expect(marked.alerts.map(({ heardBy }) => heardBy)).toEqual([undefined, ['mail']]);
    expect(notifiedElsewhere(marked, new Set([N2]), 'mail')).toBe(marked);
    expect(notifiedElsewhere(marked, new Set([N2]), 'sms').alerts[1]?.heardBy).toEqual(['mail', 'sms']);
    expect(notifiedElsewhere(two, new Set(['other']), 'mail')).toBe(two);
  });

  it('keeps all else as it was', () => {
    const sent = delivered(two, 9_000);
    const marked = notifiedElsewhere(sent, new Set([N1]), 'mail');
    expect({ ...marked, alerts: [] }).toEqual({ ...sent, alerts: [] });
  });
});
