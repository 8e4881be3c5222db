import { describe, expect, it } from 'vitest';
import {
  absorb,
  decide,
  delivered,
  n1,
  n2,
  opened,
  REPEAT_MS,
  route,
  rule,
  timing,
  transition,
} from '../../test/incidents.ts';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import { beginAttempt, concludeAttempt, leaseIncident } from './attempt.ts';
import { forgetEnded } from './decide.ts';
import { absorbTransition } from './incident.ts';
import { groupOf, matchRoutes } from './routes.ts';

describe('routes', () => {
  it('takes the first match, and goes on while a route says so', () => {
    const routes = [
      route('audit', { match: { cluster: ['c*'] }, continue: true }),
      route('critical', { match: { severity: ['critical'] } }),
      route('rest'),
      route('never'),
    ];
    const names = (r: Rule, labels: Labels) => matchRoutes(routes, r, labels).map((x) => x.name);
    expect(names(rule(), n1)).toEqual(['audit', 'rest']);
    expect(names(rule('m', { severity: 'critical' }), n1)).toEqual(['audit', 'critical']);
    expect(names(rule(), { bastion: 'b1' })).toEqual(['rest']);
  });

  it('groups by rule and labels, leaving out labels an alert lacks', () => {
    const a = groupOf(route('r'), rule(), n1);
    expect(a.labels).toEqual({ rule: 'memory', cluster: 'c1' });
    expect(groupOf(route('r'), rule(), n2).key).toBe(a.key);
    expect(groupOf(route('r'), rule('disk'), n1).key).not.toBe(a.key);
    expect(groupOf(route('r'), rule(), { bastion: 'b1' }).labels).toEqual({ rule: 'memory' });
  });
});

describe('an incident', () => {
  it('says the first alert at once without groupWait', () => {
    expect(decide(opened(), 1_000)).toMatchObject({ kind: 'send', reason: 'first' });
  });

  it('waits groupWait from the first alert, then says all that came', () => {
    const wait = { groupWaitMs: 30_000, groupIntervalMs: 300_000 };
    const both = absorb(opened(undefined, 1_000, wait), transition('firing', 20_000, n2), 20_000, wait);
    expect(decide(both, 30_999, undefined, wait)).toMatchObject({
      kind: 'wait',
      untilMs: 31_000,
      why: 'not due yet',
    });
    const decision = decide(both, 31_000, undefined, wait);
    expect(decision).toMatchObject({ kind: 'send', reason: 'first' });
    expect(decision.kind === 'send' && decision.alerts.map((a) => a.labels.node)).toEqual(['n1', 'n2']);
  });

  it('says a further alert groupInterval after the last message', () => {
    const later = absorb(delivered(opened(), 1_000), transition('firing', 60_000, n2), 60_000);
    expect(decide(later, 60_000)).toMatchObject({ kind: 'wait', untilMs: 301_000 });
    const decision = decide(later, 301_000);
    expect(decision).toMatchObject({ kind: 'send', reason: 'new-alerts' });
    expect(decision.kind === 'send' && decision.alerts.map((a) => a.labels.node)).toEqual(['n1', 'n2']);
  });

  it('says a resolved alert among firing ones, forgets it, and closes with the last', () => {
    const two = absorb(opened(), transition('firing', 1_000, n2), 1_000);
    const one = absorb(delivered(two, 1_000), transition('resolved', 400_000), 400_000);
    expect(decide(one, 400_000)).toMatchObject({ kind: 'send', reason: 'some-resolved' });
    const after = delivered(one, 400_000);
    expect(after.alerts.map((a) => a.labels.node)).toEqual(['n2']);
    expect(after.closedAtMs).toBeUndefined();
    const none = absorb(after, transition('resolved', 800_000, n2), 800_000);
    expect(decide(none, 800_000)).toMatchObject({ kind: 'send', reason: 'all-resolved' });
    expect(delivered(none, 800_000)).toMatchObject({
      alerts: [],
      notified: {},
      closedAtMs: 800_000,
      notifications: 3,
    });
  });

  it('says fired and resolved in one message when both came before any was said', () => {
    const both = absorb(opened(), transition('resolved', 9_000), 10_000);
    const decision = decide(both, 10_000);
    expect(decision).toMatchObject({ kind: 'send', reason: 'fired-and-resolved' });
    expect(decision.kind === 'send' && decision.alerts[0]).toMatchObject({
      firedAtMs: 1_000,
      resolvedAtMs: 9_000,
    });
    expect(delivered(both, 10_000).closedAtMs).toBe(10_000);
  });

  it('says an alert that fires again', () => {
    const quiet = absorb(delivered(opened(), 1_000), transition('resolved', 2_000), 2_000);
    const again = absorb(quiet, transition('firing', 3_000), 3_000);
    expect(decide(again, 301_000)).toMatchObject({ kind: 'send', reason: 'new-alerts' });
  });

  it('says both times of an alert that fired again before its first end was said', () => {
    const twice = [
      transition('resolved', 2_000),
      transition('firing', 3_000),
      transition('resolved', 4_000),
    ].reduce((incident, t) => absorb(incident, t, 5_000), opened());
    const decision = decide(twice, 5_000);
    expect(decision.kind === 'send' && decision.alerts.map((a) => [a.firedAtMs, a.resolvedAtMs])).toEqual([
      [1_000, 2_000],
      [3_000, 4_000],
    ]);
    expect(delivered(twice, 5_000)).toMatchObject({ alerts: [], closedAtMs: 5_000 });
  });

  it('is not changed by a replayed transition', () => {
    const incident = delivered(opened(), 1_000);
    expect(absorb(incident, transition('firing', 1_000), 5_000)).toBe(incident);
    const gone = absorb(incident, transition('resolved', 2_000), 5_000);
    expect(absorb(gone, transition('resolved', 2_000), 9_000)).toBe(gone);
  });

  it('says nothing twice before repeatInterval, then what still fires', () => {
    const incident = { ...delivered(opened(), 1_000), dueAtMs: 2_000 };
    expect(decide(incident, 2_000)).toMatchObject({
      kind: 'wait',
      untilMs: 1_000 + REPEAT_MS,
      why: 'all was said',
    });
    const later = delivered(opened(), 1_000);
    expect(later.dueAtMs).toBe(1_000 + REPEAT_MS);
    expect(decide(later, 1_000 + REPEAT_MS)).toMatchObject({ kind: 'send', reason: 'repeat' });
    expect(delivered(later, 1_000 + REPEAT_MS)).toMatchObject({
      notifications: 2,
      dueAtMs: 1_000 + 2 * REPEAT_MS,
    });
  });

  it('is offered its end from the first try on, however long a silence or an outage came before', () => {
    const DAY_MS = 24 * 3_600_000;
    const over = absorb(delivered(opened(), 1_000), transition('resolved', 2_000), 2_000);
    const at = (ms: number, incident = over) => forgetEnded(incident, () => undefined, ms);
    expect(at(30 * DAY_MS).incident.alerts).toHaveLength(1);
    const attempt = beginAttempt(over, { alerts: over.alerts, reason: 'all-resolved' }, 30 * DAY_MS);
    const tried = leaseIncident(over, attempt);
    expect(at(36 * DAY_MS, tried).dropped).toEqual([]);
    expect(at(37 * DAY_MS, tried).dropped).toHaveLength(1);
    const silenced = forgetEnded(
      tried,
      () => ({ by: 'silence', fromMs: 0, untilMs: 99 * DAY_MS }),
      60 * DAY_MS,
    );
    expect(silenced.incident.alerts).toHaveLength(1);
  });

  it('keeps the lease of a message under way when a transition arrives', () => {
    const incident = opened();
    const attempt = beginAttempt(incident, { alerts: incident.alerts, reason: 'first' }, 1_000);
    const leased = leaseIncident(incident, attempt);
    const meanwhile = absorb(leased, transition('firing', 2_000, n2), 2_000);
    expect(meanwhile.dueAtMs).toBe(91_000);
    expect(decide(meanwhile, 90_999)).toMatchObject({ kind: 'wait', untilMs: 91_000 });
    const after = concludeAttempt({ incident: meanwhile, attempt, timing, nowMs: 3_000 });
    expect(after).toMatchObject({ dueAtMs: 303_000, notified: { 'memory/n1@1000': 'firing' } });
  });
});

describe('a transition that an incident cannot place', () => {
  it('changes nothing: an end without its firing, an older firing', () => {
    const empty = { ...opened(), alerts: [] };
    expect(absorb(empty, transition('resolved', 5_000), 5_000)).toBe(empty);
    const known = opened();
    expect(absorb(known, transition('firing', 1_000), 5_000)).toBe(known);
    expect(absorb(known, transition('resolved', 500), 5_000)).toBe(known);
  });

  it('of a rule that is gone keeps the severity that the alert had', () => {
    const critical = {
      ...opened(),
      alerts: opened().alerts.map((one) => ({ ...one, severity: 'critical' as const })),
    };
    const again = absorbTransition({
      incident: critical,
      transition: transition('firing', 9_000),
      rule: undefined,
      timing,
      nowMs: 9_000,
    });
    expect(again.alerts).toMatchObject([{ severity: 'critical', firedAtMs: 9_000 }]);
    const first = absorbTransition({
      incident: { ...opened(), alerts: [] },
      transition: transition('firing', 9_000),
      rule: undefined,
      timing,
      nowMs: 9_000,
    });
    expect(first.alerts).toMatchObject([{ severity: 'warning' }]);
  });

  it('takes the rule of a firing, not that of an end', () => {
    const edited = rule('memory', { title: 'Edited' });
    const end = {
      incident: opened(),
      transition: transition('resolved', 9_000),
      rule: edited,
      timing,
      nowMs: 9_000,
    };
    expect(absorbTransition(end).rules.memory).toEqual(rule());
    expect(absorbTransition({ ...end, transition: transition('firing', 9_000) }).rules.memory).toBe(edited);
  });
});
