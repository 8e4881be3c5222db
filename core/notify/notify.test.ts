import { describe, expect, it } from 'vitest';
import type { Route } from '../config/types.ts';
import { ConfigError, PermanentError, RetryableError } from '../errors.ts';
import type { Labels, Rule, Transition } from '../model.ts';
import {
  afterFailure,
  beginAttempt,
  concludeAttempt,
  failOver,
  GIVE_UP_MS,
  GIVE_UP_WITH_FALLBACK_MS,
  RETRY_FIRST_MS,
  RETRY_MAX_MS,
} from './attempt.ts';
import { decideNotification, INHIBITION_RECHECK_MS, type Suppression, suppressionJudge } from './decide.ts';
import { absorbTransition, openIncident } from './incident.ts';
import type { Incident, IncidentAlert } from './model.ts';
import { groupOf, matchRoutes } from './routes.ts';

const rule = (name = 'memory', extra: Partial<Rule> = {}): Rule => ({
  name,
  title: 'Memory',
  metric: 'mem_usage',
  where: {},
  condition: { kind: 'above', threshold: 90 },
  forMs: 300_000,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'warning',
  inhibitedBy: [],
  ...extra,
});

const route = (name: string, extra: Partial<Route> = {}): Route => ({
  name,
  match: {},
  channels: ['ops'],
  continue: false,
  groupBy: ['rule', 'cluster'],
  groupWaitMs: 0,
  groupIntervalMs: 300_000,
  ...extra,
});

const n1: Labels = { cluster: 'c1', node: 'n1', role: 'etcd' };
const n2: Labels = { cluster: 'c1', node: 'n2', role: 'etcd' };

const transition = (kind: 'firing' | 'resolved', atMs: number, labels = n1): Transition => ({
  id: `${labels.node}-${kind}-${atMs}`,
  alertId: `memory/${labels.node}`,
  rule: 'memory',
  labels,
  kind,
  atMs,
  reason: 'threshold',
  sinceMs: atMs - 1,
});

const timing = { groupWaitMs: 0, groupIntervalMs: 300_000 };

function absorb(incident: Incident, t: Transition, nowMs: number, with_ = timing): Incident {
  return absorbTransition({ incident, transition: t, rule: rule(), timing: with_, nowMs });
}

function opened(t = transition('firing', 1_000), nowMs = 1_000, with_ = timing): Incident {
  const group = { key: 'g', labels: { rule: 'memory', cluster: 'c1' } };
  return absorb(openIncident({ route: route('r'), channel: 'ops', group, transition: t }), t, nowMs, with_);
}

const free = (): undefined => undefined;
const decide = (
  incident: Incident,
  nowMs: number,
  suppressionOf: (a: IncidentAlert) => Suppression | undefined = free,
) => decideNotification({ incident, suppressionOf, nowMs });

/** Decides, which must be to send, and concludes as if the channel had accepted. */
function said(incident: Incident, nowMs: number): Incident {
  const decision = decide(incident, nowMs);
  if (decision.kind !== 'send') throw new Error(`decided ${JSON.stringify(decision)}`);
  const attempt = beginAttempt(incident, decision.alerts, nowMs);
  return concludeAttempt({ incident, attempt, groupIntervalMs: timing.groupIntervalMs, nowMs });
}

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
    expect(decide(both, 30_999)).toEqual({ kind: 'wait', untilMs: 31_000, why: 'not due yet' });
    const decision = decide(both, 31_000);
    expect(decision).toMatchObject({ kind: 'send', reason: 'first' });
    expect(decision.kind === 'send' && decision.alerts.map((a) => a.labels.node)).toEqual(['n1', 'n2']);
  });

  it('says a further alert groupInterval after the last message', () => {
    const later = absorb(said(opened(), 1_000), transition('firing', 60_000, n2), 60_000);
    expect(decide(later, 60_000)).toMatchObject({ kind: 'wait', untilMs: 301_000 });
    const decision = decide(later, 301_000);
    expect(decision).toMatchObject({ kind: 'send', reason: 'new-alerts' });
    expect(decision.kind === 'send' && decision.alerts.map((a) => a.labels.node)).toEqual(['n1', 'n2']);
  });

  it('says a resolved alert among firing ones, forgets it, and closes with the last', () => {
    const two = absorb(opened(), transition('firing', 1_000, n2), 1_000);
    const one = absorb(said(two, 1_000), transition('resolved', 400_000), 400_000);
    expect(decide(one, 400_000)).toMatchObject({ kind: 'send', reason: 'some-resolved' });
    const after = said(one, 400_000);
    expect(after.alerts.map((a) => a.labels.node)).toEqual(['n2']);
    expect(after.closedAtMs).toBeUndefined();
    const none = absorb(after, transition('resolved', 800_000, n2), 800_000);
    expect(decide(none, 800_000)).toMatchObject({ kind: 'send', reason: 'all-resolved' });
    expect(said(none, 800_000)).toMatchObject({
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
    expect(said(both, 10_000).closedAtMs).toBe(10_000);
  });

  it('says an alert that fires again', () => {
    const quiet = absorb(said(opened(), 1_000), transition('resolved', 2_000), 2_000);
    const again = absorb(quiet, transition('firing', 3_000), 3_000);
    expect(decide(again, 301_000)).toMatchObject({ kind: 'send', reason: 'new-alerts' });
  });

  it('is not changed by a replayed transition', () => {
    const incident = said(opened(), 1_000);
    expect(absorb(incident, transition('firing', 1_000), 5_000)).toBe(incident);
    const gone = absorb(incident, transition('resolved', 2_000), 5_000);
    expect(absorb(gone, transition('resolved', 2_000), 9_000)).toBe(gone);
  });

  it('says nothing twice', () => {
    const incident = { ...said(opened(), 1_000), dueAtMs: 2_000 };
    expect(decide(incident, 2_000)).toEqual({ kind: 'nothing', why: 'all was said', close: false });
  });

  it('keeps the lease of a message under way when a transition arrives', () => {
    const incident = opened();
    const attempt = beginAttempt(incident, incident.alerts, 1_000);
    const leased = { ...incident, attempt, lastNotifiedAtMs: 500, dueAtMs: 61_000 };
    const meanwhile = absorb(leased, transition('firing', 2_000, n2), 2_000);
    expect(meanwhile.dueAtMs).toBe(61_000);
    const after = concludeAttempt({ incident: meanwhile, attempt, groupIntervalMs: 300_000, nowMs: 3_000 });
    expect(after).toMatchObject({ dueAtMs: 303_000, notified: { 'memory/n1': 'firing@1000' } });
  });
});

describe('suppression', () => {
  const inhibited = rule('memory', { inhibitedBy: ['node-down'] });
  const judge = (firing: { rule: string; labels: Labels }[], nowMs = 5_000) =>
    suppressionJudge({
      rules: { memory: inhibited },
      silences: [{ match: { rule: ['mem*'], node: ['n2'] }, fromMs: 4_000, untilMs: 9_000, comment: '' }],
      firing,
      nowMs,
    });
  const alert = (t: Transition) => opened(t, t.atMs).alerts[0] as IncidentAlert;

  it('is by a firing alert of the same cluster and node only', () => {
    const a = alert(transition('firing', 1_000));
    expect(judge([{ rule: 'node-down', labels: n1 }])(a)).toEqual({ by: 'inhibition', rule: 'node-down' });
    expect(judge([{ rule: 'node-down', labels: n2 }])(a)).toBeUndefined();
    expect(judge([{ rule: 'other', labels: n1 }])(a)).toBeUndefined();
  });

  it('is by a silence within its time', () => {
    const a = alert(transition('firing', 1_000, n2));
    expect(judge([])(a)).toEqual({ by: 'silence', untilMs: 9_000 });
    expect(judge([], 9_000)(a)).toBeUndefined();
    expect(judge([])(alert(transition('firing', 1_000)))).toBeUndefined();
  });

  it('holds an alert back and says it when that ends', () => {
    const incident = opened();
    const silenced = () => ({ by: 'silence', untilMs: 9_000 }) as const;
    expect(decide(incident, 1_000, silenced)).toEqual({ kind: 'wait', untilMs: 9_000, why: 'silenced' });
    expect(decide({ ...incident, dueAtMs: 9_000 }, 9_000)).toMatchObject({ kind: 'send', reason: 'first' });
    const by = () => ({ by: 'inhibition', rule: 'node-down' }) as const;
    expect(decide(incident, 1_000, by)).toMatchObject({
      kind: 'wait',
      untilMs: 1_000 + INHIBITION_RECHECK_MS,
    });
  });

  it('never says an alert that began and ended held back', () => {
    const over = absorb(opened(), transition('resolved', 2_000), 2_000);
    const silenced = () => ({ by: 'silence', untilMs: 9_000 }) as const;
    expect(decide(over, 2_000, silenced)).toEqual({ kind: 'nothing', why: 'all has ended', close: true });
  });

  it('withholds the end of an alert that was said, until the silence ends', () => {
    const over = absorb(said(opened(), 1_000), transition('resolved', 400_000), 400_000);
    const silenced = () => ({ by: 'silence', untilMs: 900_000 }) as const;
    expect(decide(over, 400_000, silenced)).toMatchObject({ kind: 'wait', untilMs: 900_000 });
    expect(decide({ ...over, dueAtMs: 900_000 }, 900_000)).toMatchObject({ reason: 'all-resolved' });
  });
});

describe('an attempt', () => {
  const incident = opened();
  const first = beginAttempt(incident, incident.alerts, 1_000);

  it('keeps its number while it says the same, and takes the next for other content', () => {
    const again = beginAttempt({ ...incident, attempt: first }, incident.alerts, 9_000);
    expect(again).toEqual({ ...first, tries: 2 });
    const more = absorb({ ...incident, attempt: first }, transition('firing', 2_000, n2), 2_000);
    expect(beginAttempt(more, more.alerts, 9_000)).toMatchObject({
      number: 2,
      tries: 1,
      firstTriedAtMs: 9_000,
    });
  });

  const after = (error: unknown, extra: { tries?: number; nowMs?: number; fallback?: string } = {}) =>
    afterFailure({
      error,
      attempt: { ...first, tries: extra.tries ?? 1 },
      fallback: extra.fallback,
      nowMs: extra.nowMs ?? 1_000,
    });

  it.each([
    ['an unknown error is retried', after(new Error('x')), { kind: 'retry', atMs: 1_000 + RETRY_FIRST_MS }],
    [
      'waits double',
      after(new Error('x'), { tries: 3 }),
      { kind: 'retry', atMs: 1_000 + 4 * RETRY_FIRST_MS },
    ],
    ['up to a maximum', after(new Error('x'), { tries: 99 }), { kind: 'retry', atMs: 1_000 + RETRY_MAX_MS }],
    [
      'retryAfter is obeyed',
      after(new RetryableError('x', { retryAfterMs: 70_000 })),
      { kind: 'retry', atMs: 71_000 },
    ],
    ['a permanent error is final', after(new PermanentError('x')), { kind: 'give-up' }],
    [
      'a configuration error goes to the fallback',
      after(new ConfigError('x'), { fallback: 'b' }),
      { kind: 'fallback', channel: 'b' },
    ],
    [
      'patience ends early with a fallback',
      after(new Error('x'), { fallback: 'b', nowMs: 1_000 + GIVE_UP_WITH_FALLBACK_MS }),
      { kind: 'fallback', channel: 'b' },
    ],
    [
      'and late without',
      after(new Error('x'), { nowMs: 1_000 + GIVE_UP_WITH_FALLBACK_MS }),
      { kind: 'retry', atMs: 1_000 + GIVE_UP_WITH_FALLBACK_MS + RETRY_FIRST_MS },
    ],
    ['but it ends', after(new Error('x'), { nowMs: 1_000 + GIVE_UP_MS }), { kind: 'give-up' }],
  ])('%s', (_name, got, expected) => {
    expect(got).toEqual(expected);
  });

  it('goes to the fallback under the same number', () => {
    const handed = { ...incident, attempt: failOver(first, 'b', 5_000) };
    expect(beginAttempt(handed, incident.alerts, 5_000)).toMatchObject({ number: 1, channel: 'b', tries: 1 });
  });
});
