import { describe, expect, it } from 'vitest';
import {
  absorb,
  decide,
  delivered,
  n2,
  opened,
  REPEAT_MS,
  timing,
  transition,
} from '../../test/incidents.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
import { FORGET_SENT_MS, FORGET_UNSENT_MS, forgetEnded, INHIBITION_RECHECK_MS } from './decide.ts';
import { episodeOf } from './episode.ts';
import type { Suppression } from './suppression.ts';

const silence = (fromMs: number, untilMs = 900_000): Suppression => ({ by: 'silence', fromMs, untilMs });
const inhibition: Suppression = { by: 'inhibition', rule: 'node-down' };
const second = (incident: Incident) => absorb(incident, transition('firing', 2_000, n2), 2_000);

describe('an alert that began and ended before it was sent', () => {
  const over = absorb(opened(), transition('resolved', 2_000), 2_000);

  it.each([
    [1_999, 'close'],
    [2_000, 'close'],
    [2_001, 'wait'],
  ])('is forgotten under a silence that was in force before its end, from %d: %s', (fromMs, kind) => {
    expect(decide(over, 4_000, () => silence(fromMs)).kind).toBe(kind);
  });

  it('is sent as one', () => {
    expect(decide(over, 4_000)).toMatchObject({ kind: 'send', reason: 'fired-and-resolved' });
  });

  it.each([
    ['it', over, FORGET_UNSENT_MS],
    [
      'the end of an alert that was sent',
      absorb(delivered(opened(), 1_000), transition('resolved', 2_000), 2_000),
      FORGET_SENT_MS,
    ],
  ])('%s is offered for so long, and then forgotten', (_what, incident, forMs) => {
    const alerts = incident.alerts.map((alert) => ({ ...alert, endOfferedAtMs: 5_000 }));
    expect(decide({ ...incident, alerts }, 5_000 + forMs - 1).kind).toBe('send');
    expect(decide({ ...incident, alerts }, 5_000 + forMs).kind).toBe('close');
  });
});

describe('an alert that a silence withheld until it ended', () => {
  const ended = absorb(opened(), transition('resolved', 2_000), 2_000);
  const episode = ended.alerts.map(episodeOf)[0] ?? '';
  const withAlert = (more: Partial<IncidentAlert>, incident: Partial<Incident> = {}): Incident => ({
    ...ended,
    ...incident,
    alerts: ended.alerts.map((alert) => ({ ...alert, ...more })),
  });
  const attempt = { number: 1, says: { [episode]: 'firing' as const }, tries: 1, firstTriedAtMs: 1_000 };
  const forget = (incident: Incident, suppression?: Suppression, nowMs = 3_000) => {
    const result = forgetEnded(incident, () => suppression, nowMs);
    return { kept: result.incident.alerts.length, dropped: result.dropped.length };
  };
  const heldBack = 'silence' as const;

  it.each<[string, Incident, number]>([
    ['is forgotten', withAlert({ heldBack }), 0],
    ['is kept where the silence ended before', withAlert({ heldBack, freed: true }), 1],
    [
      'is kept where the channel was sent it',
      withAlert({ heldBack }, { notified: { [episode]: 'firing' } }),
      1,
    ],
    ['is kept where readers may have seen it', withAlert({ heldBack, perhaps: true }), 1],
    ['is kept where a channel that is gone was sent it', withAlert({ heldBack, inherited: true }), 1],
    [
      'is kept where an attempt may have shown it',
      withAlert({ heldBack }, { attempt: { ...attempt, unclear: true } }),
      1,
    ],
    ['is forgotten where the attempt was refused', withAlert({ heldBack }, { attempt }), 0],
    ['is forgotten where the fallback was sent it', withAlert({ standIn: 'firing' }), 0],
    [
      'is kept where the fallback and the channel were sent it',
      withAlert({ standIn: 'firing' }, { notified: { [episode]: 'firing' } }),
      1,
    ],
  ])('%s', (_what, incident, kept) => {
    expect(forget(incident)).toEqual({ kept, dropped: 0 });
  });

  it('is kept under an earlier silence where the channel was sent it', () => {
    const sent = withAlert({}, { notified: { [episode]: 'firing' } });
    expect(forget(sent, silence(0))).toEqual({ kept: 1, dropped: 0 });
    expect(forget(withAlert({}), silence(0))).toEqual({ kept: 0, dropped: 0 });
    expect(forget(withAlert({}), inhibition)).toEqual({ kept: 1, dropped: 0 });
  });

  it('is not dropped while something withholds it, however long it was offered', () => {
    const late = withAlert({ endOfferedAtMs: 3_000 });
    expect(forget(late, silence(2_001), 3_000 + FORGET_UNSENT_MS)).toEqual({ kept: 1, dropped: 0 });
    expect(forget(late, undefined, 3_000 + FORGET_UNSENT_MS)).toEqual({ kept: 0, dropped: 1 });
    expect(forget(withAlert({}), undefined, 3_000 + FORGET_UNSENT_MS)).toEqual({ kept: 1, dropped: 0 });
  });

  it('takes what was sent about it along, and leaves an unchanged incident alone', () => {
    const other = absorb(ended, transition('firing', 2_500, n2), 2_500);
    const [gone, open] = other.alerts.map(episodeOf);
    const sent: Incident = {
      ...other,
      alerts: other.alerts.map((alert) =>
        alert.status === 'resolved' ? { ...alert, endOfferedAtMs: 3_000 } : alert,
      ),
      notified: { [`${gone}`]: 'firing', [`${open}`]: 'firing' },
    };
    expect(forgetEnded(sent, () => undefined, 4_000).incident).toBe(sent);
    const { incident, dropped } = forgetEnded(sent, () => undefined, 3_000 + FORGET_SENT_MS);
    expect(dropped.map(episodeOf)).toEqual([gone]);
    const ends = sent.alerts.map(
      (alert): IncidentAlert => ({ ...alert, status: 'resolved', endOfferedAtMs: 3_000 }),
    );
    const all = forgetEnded({ ...sent, alerts: ends }, () => undefined, 3_000 + FORGET_SENT_MS);
    expect(all.dropped.map(episodeOf)).toEqual([gone, open]);
    expect(incident.alerts.map(episodeOf)).toEqual([open]);
    expect(incident.notified).toEqual({ [`${open}`]: 'firing' });
  });
});

describe('the reason of a message', () => {
  const heldBy = (...held: IncidentAlert['heldBack'][]) => {
    const incident = second(opened());
    return { ...incident, alerts: incident.alerts.map((alert, i) => ({ ...alert, heldBack: held[i] })) };
  };

  it('is the end of a silence where that held back all its alerts', () => {
    expect(decide(heldBy('silence', 'silence'), 40_000)).toMatchObject({ reason: 'silence-ended' });
    expect(decide(heldBy('silence', undefined), 40_000)).toMatchObject({ reason: 'first' });
    expect(decide(heldBy('silence', 'inhibition'), 40_000)).toMatchObject({ reason: 'first' });
  });

  it('is the fallback where the channel takes over, for the first message alone', () => {
    const fallback: Incident = { ...heldBy('silence', 'silence'), standsInFor: 'chat' };
    expect(decide(fallback, 40_000)).toMatchObject({ reason: 'fallback' });
    const more = absorb(
      delivered({ ...opened(), standsInFor: 'chat' }, 1_000),
      transition('firing', 2_000, n2),
      2_000,
    );
    expect(decide({ ...more, dueAtMs: 400_000 }, 400_000)).toMatchObject({ reason: 'new-alerts' });
  });

  it('is the end of all where nothing fires any more', () => {
    const over = absorb(delivered(opened(), 1_000), transition('resolved', 2_000), 2_000);
    expect(decide(over, 400_000)).toMatchObject({ reason: 'all-resolved' });
  });

  it('is a reminder of what fires and is not withheld', () => {
    const both = delivered(second(opened()), 2_000);
    const at = 2_000 + REPEAT_MS;
    expect(decide(both, at - 1)).toMatchObject({ kind: 'wait', untilMs: at });
    expect(decide(both, at)).toMatchObject({ kind: 'send', reason: 'repeat', news: [] });
    expect(decide(both, at, () => inhibition)).toMatchObject({ kind: 'wait', why: 'inhibited by node-down' });
    const one = decide(both, at, (alert) => (alert.labels.node === 'n1' ? inhibition : undefined));
    expect(one.kind === 'send' && one.alerts).toHaveLength(2);
  });

  it('is more alerts, or the end of some or of all', () => {
    const more = { ...second(delivered(opened(), 1_000)), dueAtMs: 400_000 };
    expect(decide(more, 400_000)).toMatchObject({
      reason: 'new-alerts',
      news: [expect.stringContaining('n2')],
    });
    const both = delivered(more, 400_000);
    const one = absorb(both, transition('resolved', 800_000), 800_000);
    expect(decide({ ...one, dueAtMs: 800_000 }, 800_000)).toMatchObject({ reason: 'some-resolved' });
  });
});

it('a message names its news in the order of its alerts', () => {
  const both = second(opened());
  expect(decide(both, 40_000)).toMatchObject({ kind: 'send', news: both.alerts.map(episodeOf) });
});

it('a message with news shows what was sent before and is silenced since', () => {
  const more = { ...second(delivered(opened(), 1_000)), dueAtMs: 400_000 };
  const decision = decide(more, 400_000, (alert) => (alert.labels.node === 'n1' ? silence(0) : undefined));
  expect(decision).toMatchObject({ kind: 'send', alerts: [{ labels: { node: 'n1' } }, { labels: n2 }] });
});

describe('an incident that waits', () => {
  const both = second(opened());
  const withheld = (of: (node: string | undefined) => Suppression | undefined) =>
    decide(both, 40_000, (alert) => of(alert.labels.node));

  it.each<[string, (node: string | undefined) => Suppression | undefined, number]>([
    ['silenced', () => silence(0), 900_000],
    ['inhibited by node-down', () => inhibition, 40_000 + INHIBITION_RECHECK_MS],
    [
      'silenced, inhibited by node-down',
      (node) => (node === 'n1' ? silence(0) : inhibition),
      40_000 + INHIBITION_RECHECK_MS,
    ],
  ])('says why, and waits no longer than that: %s', (why, of, untilMs) => {
    expect(withheld(of)).toMatchObject({ kind: 'wait', why, untilMs });
  });

  it('says why in the order of its alerts', () => {
    const firing = delivered(both, 40_000);
    const ended = absorb(firing, transition('resolved', 41_000), 41_000);
    const why = (incident: Incident, of: Record<string, Suppression>) => {
      const decision = decide(incident, 50_000, ({ labels }) => of[labels.node ?? '']);
      return decision.kind === 'wait' && decision.why;
    };
    expect(why(firing, { n1: silence(0), n2: inhibition })).toBe('silenced, inhibited by node-down');
    expect(why(ended, { n1: inhibition, n2: silence(0) })).toBe('not due yet');
    const reversed = { ...ended, alerts: ended.alerts.toReversed() };
    const of = { n1: silence(0), n2: inhibition };
    expect([why(ended, of), why(reversed, of)].sort()).toEqual([
      'inhibited by node-down, silenced',
      'silenced, inhibited by node-down',
    ]);
  });

  it('says which alerts are held back, and not those that were sent', () => {
    const decision = withheld(() => inhibition);
    expect(decision.kind === 'wait' && [...decision.heldBack.values()]).toEqual(['inhibition', 'inhibition']);
    const sent = decide(delivered(both, 40_000), 50_000, () => inhibition);
    expect(sent.kind === 'wait' && sent.heldBack.size).toBe(0);
  });

  it('has nothing to send between its news and a reminder', () => {
    expect(decide(delivered(opened(), 1_000), 2_000)).toMatchObject({ kind: 'wait', why: 'all was said' });
  });
});

describe('an incident with nothing to send', () => {
  const over: Incident = { ...opened(), alerts: [], notified: {} };
  const early: Incident = { ...over, earlyResolvedAtMs: 2_000 };
  const until = 2_000 + timing.groupIntervalMs;

  it('closes', () => {
    expect(decide(over, 3_000)).toEqual({ kind: 'close', why: 'all has ended' });
  });

  it('stays open until another early end may be sent', () => {
    expect(decide(early, until - 1)).toEqual({
      kind: 'wait',
      untilMs: until,
      why: 'nothing is owed',
      heldBack: new Map(),
    });
    expect(decide(early, until)).toEqual({ kind: 'close', why: 'all has ended' });
  });

  it('waits for its channel to come back, even with news', () => {
    expect(decide({ ...opened(), orphanedAtMs: 1_500 }, 3_000)).toMatchObject({
      kind: 'wait',
      untilMs: Infinity,
      why: 'nothing is owed',
    });
  });

  it('waits for what holds back the end of an alert', () => {
    const ended = absorb(delivered(opened(), 1_000), transition('resolved', 2_000), 2_000);
    expect(decide(ended, 400_000, () => silence(0))).toMatchObject({
      kind: 'wait',
      why: 'silenced',
      untilMs: 900_000,
    });
    // An inhibition holds back no end.
    expect(decide(ended, 400_000, () => inhibition)).toMatchObject({ kind: 'send', reason: 'all-resolved' });
  });

  it('does not send an end twice, and does not wait for what would withhold it', () => {
    const ended = absorb(opened(), transition('resolved', 2_000), 2_000);
    const sent: Incident = { ...ended, notified: { [ended.alerts.map(episodeOf)[0] ?? '']: 'resolved' } };
    expect(decide(sent, 3_000)).toMatchObject({ kind: 'wait', why: 'all was said' });
    expect(decide(sent, 3_000, () => silence(2_001))).toMatchObject({ why: 'all was said' });
  });

  it('does not remind while news waits', () => {
    const more = second(delivered(opened(), 1_000));
    const often = { repeatIntervalMs: 60_000 };
    expect(decide(more, 100_000, undefined, often)).toMatchObject({ kind: 'wait', untilMs: 301_000 });
  });

  it('waits for its news, and says so', () => {
    const more = second(delivered(opened(), 1_000));
    expect(decide(more, 3_000)).toMatchObject({ kind: 'wait', untilMs: 301_000, why: 'not due yet' });
  });
});
