import { describe, expect, it } from 'vitest';
import { sampleRule } from '../chart/sample-message.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
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
