import { describe, expect, it } from 'vitest';
import { absorb, delivered, n1, n2, opened, rule, transition } from '../../test/incidents.ts';
import type { Alert } from '../model/alert.ts';
import type { Config } from '../model/config.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
import type { Rule } from '../model/rule.ts';
import { beginAttempt, failAttempt } from './attempt.ts';
import { entryOf, episodesOf, type ReconcileInput } from './open-episodes.ts';

const input = (change: Partial<ReconcileInput> = {}): ReconcileInput => ({
  incidents: [],
  firing: [],
  onTheirWay: new Set<string>(),
  config: { rules: [rule()], routes: [], channels: [{ name: 'ops' }] as unknown as Config['channels'] },
  alone: false,
  retryNow: false,
  nowMs: 50_000,
  ...change,
});
const entry = (value: Incident, change: Partial<ReconcileInput> = {}) =>
  entryOf({ value, version: 3 }, input(change));
const sending = (incident: Incident, nowMs = 2_000) =>
  beginAttempt(incident, { alerts: incident.alerts, reason: 'first' }, nowMs);
const failing = (incident: Incident) =>
  failAttempt(incident, sending(incident), { outcome: 'retry', retryAtMs: 60_000, failOver: false }, '503');

describe('an open incident', () => {
  it.each<[string, Partial<Rule>, boolean]>([
    ['with another threshold', { condition: { kind: 'above', threshold: 80 } }, true],
    ['of another metric', { metric: 'cpu_usage' }, false],
    ['that is a ratio now', { over: 'swap_usage' }, false],
  ])('follows a rule %s only where values mean the same', (_, change, follows) => {
    const today = rule('memory', change);
    const { next } = entry(opened(), { config: { rules: [today], routes: [], channels: [] } });
    expect(next.rules.memory).toEqual(follows ? today : rule());
  });

  it('takes the severity of its rule today, and keeps that of a rule that is gone', () => {
    const critical = rule('memory', { severity: 'critical' });
    expect(entry(opened(), { config: { ...input().config, rules: [critical] } }).next.alerts).toMatchObject([
      { severity: 'critical' },
    ]);
    const other = { ...opened(), rules: {} };
    expect(entry(other, { config: { ...input().config, rules: [] } }).next.alerts).toMatchObject([
      { severity: 'warning' },
    ]);
    // Rules that none of its alerts is of do not come in.
    expect(
      Object.keys(
        entry(opened(), { config: { ...input().config, rules: [rule(), rule('cpu')] } }).next.rules,
      ),
    ).toEqual(['memory']);
  });

  it.each([
    ['a sender is at work', 91_999, false, true],
    ['its lease is over', 92_000, false, false],
    ['nobody else can be sending', 91_999, true, false],
  ])('is left alone while a sender has it: %s', (_, nowMs, alone, leased) => {
    const attempt = sending(opened());
    const value = { ...opened(), attempt };
    const made = entry(value, { nowMs, alone });
    expect(made.leased).toBe(leased);
    if (leased) expect(made.next).toBe(value);
    else {
      // Readers may have seen what a sender that died was sending.
      expect(made.next.alerts).toMatchObject([{ perhaps: true }]);
      expect(made.next.attempt).toMatchObject({ number: 1, perhaps: ['memory/n1@1000'] });
      expect(made.next.attempt).not.toHaveProperty('leaseUntilMs');
    }
    expect(made).toMatchObject({ stored: { version: 3 }, lost: new Set() });
  });

  it.each([
    [false, 60_000],
    [true, undefined],
  ])('waits for its retry unless the change may have mended that: %s', (retryNow, retryAtMs) => {
    const { next } = entry(failing(opened()), { retryNow });
    expect(next.attempt?.retryAtMs).toBe(retryAtMs);
    expect(next.attempt).toMatchObject({ number: 1, tries: 1, error: '503' });
    expect(next.attempt).not.toHaveProperty('perhaps');
    expect(next.alerts[0]).not.toHaveProperty('perhaps');
  });

  it('whose channel is gone is an orphan from now on, and uses no number again', () => {
    const gone = { config: { ...input().config, channels: [] } };
    const { next } = entry(failing(opened()), gone);
    expect(next).toMatchObject({ orphanedAtMs: 50_000, notifications: 1 });
    expect(next).not.toHaveProperty('attempt');
    expect(entry({ ...next, orphanedAtMs: 7_000 }, gone).next.orphanedAtMs).toBe(7_000);
    expect(entry({ ...opened(), notifications: 4 }, gone).next.notifications).toBe(4);
    // The channel has come back.
    expect(entry({ ...next, orphanedAtMs: 7_000 }).next).not.toHaveProperty('orphanedAtMs');
  });

  it('that was written ahead of a clock that was set back happened at the latest now', () => {
    const sent = delivered(absorb(opened(), transition('firing', 60_000, n2), 70_000), 80_000);
    const ahead: Incident = {
      ...sent,
      openedAtMs: 55_000,
      earlyResolvedAtMs: 80_000,
      attempt: { ...sending(sent, 85_000), triedAtMs: 90_000, leaseUntilMs: 1 },
    };
    const { next } = entry(ahead);
    expect(next).toMatchObject({ openedAtMs: 50_000, lastNotifiedAtMs: 50_000, earlyResolvedAtMs: 50_000 });
    expect(next.attempt).toMatchObject({ firstTriedAtMs: 50_000, triedAtMs: 50_000 });
    expect(next.alerts.map(({ enteredAtMs }) => enteredAtMs)).toEqual([1_000, 50_000]);
    const { enteredAtMs: _, ...older } = opened().alerts[0] as IncidentAlert;
    expect(entry({ ...opened(), alerts: [older] }).next.alerts[0]).not.toHaveProperty('enteredAtMs');
    // What has happened is not moved, and what is not known stays so.
    const past = entry({
      ...ahead,
      openedAtMs: 4_000,
      lastNotifiedAtMs: 5_000,
      earlyResolvedAtMs: 6_000,
    }).next;
    expect(past).toMatchObject({ openedAtMs: 4_000, lastNotifiedAtMs: 5_000, earlyResolvedAtMs: 6_000 });
    expect(entry(opened()).next).not.toHaveProperty('lastNotifiedAtMs');
    expect(entry(opened()).next).not.toHaveProperty('earlyResolvedAtMs');
  });
});

const n3 = { ...n1, node: 'n3' };

describe('what fires', () => {
  const firing = (labels = n1, firedAtMs = 1_000): Alert => ({
    id: `memory/${labels.node}`,
    rule: 'memory',
    labels,
    status: 'firing',
    sinceMs: 999,
    firedAtMs,
    reason: 'threshold',
    value: 95,
  });
  const episodes = (values: readonly Incident[], change: Partial<ReconcileInput> = {}) => {
    const given = input(change);
    const entries = values.map((value) => entryOf({ value, version: 1 }, given));
    return { entries, found: episodesOf(entries, given) };
  };

  it('is one episode, whoever holds it, with what each was sent', () => {
    const other = { ...delivered(opened(), 2_000), channel: 'mail', id: 'i2' };
    const { found } = episodes([opened(), other], { firing: [firing()], alone: true });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ alert: { alertId: 'memory/n1' }, rule: rule() });
    expect(found[0]?.holders.map(({ sentStatus }) => sentStatus)).toEqual([undefined, 'firing']);
  });

  it('has ended where any incident knows that', () => {
    const ended = absorb(opened(), transition('resolved', 9_000), 9_000);
    for (const values of [
      [opened(), { ...ended, id: 'i2' }],
      [{ ...ended, id: 'i2' }, opened()],
    ]) {
      const { found } = episodes(values, { onTheirWay: new Set(['memory/n1']) });
      expect(found.map(({ alert }) => alert.status)).toEqual(['resolved']);
    }
  });

  it('in an incident and nowhere else has ended unseen, now', () => {
    const { entries, found } = episodes([opened()]);
    expect(found[0]?.alert).toMatchObject({ status: 'resolved', resolvedAtMs: 50_000, reason: 'revised' });
    expect(entries[0]?.next.alerts).toMatchObject([{ status: 'resolved' }]);
  });

  it('ends alone: other alerts of its incident fire on, and what has ended keeps its time', () => {
    const three = absorb(
      absorb(
        absorb(opened(), transition('firing', 2_000, n2), 2_000),
        transition('firing', 3_000, n3),
        3_000,
      ),
      transition('resolved', 9_000, n3),
      9_000,
    );
    const { found } = episodes([three], { firing: [firing(n2, 2_000)] });
    expect(found.map(({ alert }) => [alert.labels.node, alert.status, alert.resolvedAtMs])).toEqual([
      ['n1', 'resolved', 50_000],
      ['n2', 'firing', undefined],
      ['n3', 'resolved', 9_000],
    ]);
  });

  it('has the rule of its incident where that is gone from the configuration', () => {
    const { found } = episodes([opened()], { firing: [firing()], config: { ...input().config, rules: [] } });
    expect(found[0]?.rule).toEqual(rule());
  });

  it.each<[string, Partial<ReconcileInput>]>([
    ['state says so', { firing: [firing()] }],
    ['its transition is on its way', { onTheirWay: new Set(['memory/n1']) }],
  ])('fires on while %s', (_, change) => {
    expect(episodes([opened()], change).found[0]?.alert.status).toBe('firing');
  });

  it('fires on while a sender is at work on it', () => {
    const leased = { ...opened(), attempt: sending(opened(), 49_000) };
    expect(episodes([leased]).found[0]?.alert.status).toBe('firing');
  });

  it('keeps the time of an end that is known', () => {
    const ended = absorb(opened(), transition('resolved', 9_000), 9_000);
    expect(episodes([ended]).found[0]?.alert).toMatchObject({ resolvedAtMs: 9_000, reason: 'threshold' });
  });

  it('and is in no incident is an episode without holders, as its rule is today', () => {
    const critical = rule('memory', { severity: 'critical' });
    const { found } = episodes([], { firing: [firing()], config: { ...input().config, rules: [critical] } });
    expect(found).toEqual([
      {
        alert: {
          alertId: 'memory/n1',
          rule: 'memory',
          severity: 'critical',
          labels: n1,
          status: 'firing',
          sinceMs: 999,
          firedAtMs: 1_000,
          reason: 'threshold',
          value: 95,
        },
        rule: critical,
        holders: [],
      },
    ]);
  });

  it.each<[string, Partial<ReconcileInput>, Incident[]]>([
    ['its rule is gone', { config: { ...input().config, rules: [] } }, []],
    ['its transition is on its way', { onTheirWay: new Set(['memory/n1']) }, []],
    ['its time is not known', { firing: [{ ...firing(), firedAtMs: undefined } as unknown as Alert] }, []],
  ])('is no episode without holders where %s', (_, change, values) => {
    expect(episodes(values, { firing: [firing()], ...change }).found).toEqual([]);
  });

  it('again is another episode than the firing that incidents know, unless that fires too', () => {
    const ended = absorb(opened(), transition('resolved', 9_000), 9_000);
    const times = (value: Incident, firedAtMs: number) =>
      episodes([value], { firing: [firing(n1, firedAtMs)] }).found.map(({ alert }) => alert.firedAtMs);
    expect(times(ended, 20_000)).toEqual([1_000, 20_000]);
    // An incident has the time of the transition, which may be later.
    expect(times(ended, 1_000)).toEqual([1_000]);
    expect(times(ended, 900)).toEqual([1_000]);
    expect(times(opened(), 20_000)).toEqual([1_000]);
  });
});
