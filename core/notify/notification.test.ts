import { describe, expect, it } from 'vitest';
import { sampleRule } from '../chart/sample-message.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
import type { TargetStatus } from '../model/target-status.ts';
import { episodeOf } from './episode.ts';
import { buildNotification } from './notification.ts';

const MINUTE = 60_000;
const FIRED = Date.UTC(2026, 10, 24, 9, 10);
const rules = {
  [sampleRule.name]: { ...sampleRule, severity: 'warning' as const },
  worse: { ...sampleRule, name: 'worse', severity: 'critical' as const },
};

function alert(node: string, extra: Partial<IncidentAlert> = {}): IncidentAlert {
  return {
    alertId: node,
    rule: sampleRule.name,
    severity: 'warning',
    labels: { cluster: 'prod', node, role: 'etcd' },
    status: 'firing',
    sinceMs: FIRED - 10 * MINUTE,
    firedAtMs: FIRED,
    reason: 'threshold',
    value: 91,
    ...extra,
  };
}

function build(
  alerts: readonly IncidentAlert[],
  {
    notified = {},
    ...extra
  }: Partial<Pick<Parameters<typeof buildNotification>[0], 'news' | 'current' | 'nowMs'>> &
    Partial<Pick<Incident, 'notified'>> = {},
) {
  const incident: Incident = {
    id: 'inc',
    route: 'default',
    channel: 'ops',
    groupKey: 'g',
    groupLabels: {},
    openedAtMs: FIRED,
    alerts,
    rules,
    notified,
    notifications: 0,
  };
  const attempt = { number: 1, says: {}, tries: 1, firstTriedAtMs: FIRED };
  const given = { news: [], current: new Map(), nowMs: FIRED + MINUTE, ...extra };
  return buildNotification({
    incident,
    attempt,
    reason: 'first',
    alerts,
    statuses: [],
    timeZone: 'UTC',
    ...given,
  });
}

const ended = { status: 'resolved', resolvedAtMs: FIRED + 5 * MINUTE, value: 61 } as const;

describe('the order of alerts', () => {
  it('has the news first, among them what fires, then the worst', () => {
    const worse = { rule: 'worse', severity: 'critical' } as const;
    const alerts = [alert('n10'), alert('n2'), alert('n3', worse), alert('n4', ended), alert('n5')];
    const news = [alerts[3], alerts[4]].map((one) => episodeOf(one as IncidentAlert));
    const notification = build(alerts, { news }).alerts;
    expect(notification.map(({ labels, news: isNew }) => [labels.node, isNew])).toEqual([
      ['n5', true],
      ['n4', true],
      ['n3', false],
      ['n2', false],
      ['n10', false],
    ]);
  });
});

it('of one rule and severity the worst value comes first, as in the picture', () => {
  const alerts = [alert('n1', { value: 91 }), alert('n2', { value: 97 }), alert('n10', { value: 97 })];
  const lacking = alert('n3', { value: undefined, reason: 'no-data' });
  const current = new Map([[episodeOf(alert('n1')), { value: 99.9 }]]);
  const notification = build([...alerts, lacking], { current }).alerts;
  expect(notification.map(({ labels }) => labels.node)).toEqual(['n1', 'n2', 'n10', 'n3']);
});

it('what has ended and was not sent before is marked', () => {
  const over = alert('n1', ended);
  expect(build([over, alert('n2')]).alerts.map(({ untold }) => untold)).toEqual([undefined, true]);
  const notified = { [episodeOf(over)]: 'firing' as const };
  expect(build([over], { notified }).alerts.map(({ untold }) => untold)).toEqual([undefined]);
});

it('the severity is that of what fires, whatever has ended', () => {
  const over = alert('n1', { ...ended, rule: 'worse', severity: 'critical' });
  expect(build([over, alert('n2')]).severity).toBe('warning');
  expect(build([over])).toMatchObject({ status: 'resolved', severity: 'critical' });
});

describe('the value', () => {
  const one = alert('n1');
  const notification = (of: IncidentAlert, extra: Parameters<typeof build>[1]) => {
    const [{ value, valueAtMs, summary } = {}] = build([of], extra).alerts;
    return [value, valueAtMs, summary?.match(/[\d.]+%( at [\d:]+)?/)?.[0]];
  };
  const current = (atMs?: number) =>
    new Map([[episodeOf(one), { value: 99.9, ...(atMs !== undefined && { atMs }) }]]);

  it.each([
    ['the current one', one, { current: current() }, [99.9, undefined, '99.9%']],
    ['an old one with its time', one, { current: current(FIRED) }, [99.9, FIRED, '99.9% at 09:10']],
    ['that of firing while this is recent', one, {}, [91, undefined, '91%']],
    [
      'that of firing with its time later on',
      one,
      { nowMs: FIRED + 60 * MINUTE },
      [91, FIRED, '91% at 09:10'],
    ],
    [
      'that of its end, whatever came since',
      { ...one, ...ended },
      { current: current(), nowMs: FIRED + 60 * MINUTE },
      [61, undefined, '61%'],
    ],
    ['none', { ...one, value: undefined }, { nowMs: FIRED + 60 * MINUTE }, [undefined, undefined, undefined]],
  ])('is %s', (_, of, extra, expected) => {
    expect(notification(of, extra)).toEqual(expected);
  });
});

describe('an alert whose rule the incident does not know', () => {
  it('is named after it, and says nothing of a metric', () => {
    const [one] = build([alert('n1', { rule: 'gone' })]).alerts;
    expect(one).toMatchObject({
      title: 'gone',
      summary: 'gone',
      metric: '',
      unit: 'count',
      conditionText: '',
      forMs: 0,
    });
    expect(one).not.toHaveProperty('runbook');
    expect(one).not.toHaveProperty('detail');
  });

  it('comes behind none for its value', () => {
    const both = [alert('n2', { rule: 'gone', value: 99 }), alert('n1', { rule: 'gone', value: 1 })];
    expect(build(both).alerts.map(({ labels }) => labels.node)).toEqual(['n1', 'n2']);
  });
});

describe('an alert of a node that does not answer', () => {
  const status = (node: string, change: Partial<TargetStatus> = {}): TargetStatus => ({
    cluster: 'prod',
    node,
    check: 'usage',
    roundMs: 1_000,
    ok: false,
    reason: 'timeout',
    detail: 'no answer in 5 s',
    ...change,
  });
  const down = { ...sampleRule, name: 'down', metric: 'up' };
  const detailOf = (statuses: readonly TargetStatus[], change: Partial<IncidentAlert> = {}, used = down) => {
    const one = alert('n1', { rule: used.name, value: 0, ...change });
    const incident: Incident = {
      id: 'inc',
      route: 'default',
      channel: 'ops',
      groupKey: 'g',
      groupLabels: {},
      openedAtMs: FIRED,
      alerts: [one],
      rules: { [used.name]: used },
      notified: {},
      notifications: 0,
    };
    return buildNotification({
      incident,
      attempt: { number: 1, says: {}, tries: 1, firstTriedAtMs: FIRED },
      reason: 'first',
      alerts: [one],
      news: [],
      current: new Map(),
      statuses,
      timeZone: 'UTC',
      nowMs: FIRED,
    }).alerts[0]?.detail;
  };

  it('says why, by its newest failure', () => {
    const newer = status('n1', { roundMs: 2_000, reason: 'auth', detail: 'refused\nthe key' });
    expect(detailOf([status('n1'), newer, status('n1', { roundMs: 500 })])).toBe('auth: refused the key');
  });

  it.each<[string, TargetStatus]>([
    ['another node', status('n2')],
    ['a node of that name in another cluster', status('n1', { cluster: 'dev' })],
    ['a check that succeeded', status('n1', { ok: true })],
  ])('says nothing of %s', (_, other) => {
    expect(detailOf([other])).toBeUndefined();
  });

  it('says nothing once it is over, nor where the rule is about something else', () => {
    expect(detailOf([status('n1')], { status: 'resolved', resolvedAtMs: FIRED })).toBeUndefined();
    expect(detailOf([status('n1')], {}, sampleRule)).toBeUndefined();
  });

  it('of a bastion says why that failed', () => {
    const bastion = { ...sampleRule, name: 'bastion', metric: 'bastion_up' };
    const labels = { bastion: 'b', batch: '0' };
    const failed = status('b', { cluster: '', check: '0', reason: 'unreachable', detail: 'refused' });
    expect(detailOf([status('n1'), failed], { labels }, bastion)).toBe('unreachable: refused');
  });
});
