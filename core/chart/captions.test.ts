import { describe, expect, it } from 'vitest';
import { memoryUsage, sampleAlert } from '../../test/contract/notifications.ts';
import type { Labels } from '../model/labels.ts';
import type { NotificationAlert } from '../model/notification.ts';
import type { Rule } from '../model/rule.ts';
import { firingText, subtitleOf, titleOf } from './captions.ts';
import type { ChartInput } from './input.ts';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 10, 24, 9, 40);
const node = (name: string): Labels => ({ cluster: 'prod', node: name, role: 'etcd' });
const rule: Rule = memoryUsage;
const firing = sampleAlert({ labels: node('n1'), sinceMs: NOW - 30 * MINUTE, firedAtMs: NOW - 20 * MINUTE });
const input = (alerts: readonly NotificationAlert[]): ChartInput => ({
  alerts,
  rule,
  series: [],
  fromMs: NOW - 120 * MINUTE,
  toMs: NOW,
  nowMs: NOW,
  timeZone: 'UTC',
  intervalMs: MINUTE,
  status: alerts.some(({ status }) => status === 'firing') ? 'firing' : 'resolved',
});

describe('of several alerts', () => {
  const elsewhere = { ...firing, alertId: 'b', labels: { ...node('n2'), cluster: 'test' } };
  const over = { ...elsewhere, status: 'resolved', value: 61, resolvedAtMs: NOW - 5 * MINUTE } as const;
  const lacking = { ...elsewhere, reason: 'no-data', value: undefined } as const;
  const recovering = { ...elsewhere, value: 61, clearedAtMs: NOW - MINUTE };
  it.each([
    ['all fire', [firing, elsewhere], '> 90% for 10m: 2 alerts', '2 breaching series', '2 FIRED 09:20'],
    [
      'one has ended',
      [firing, over],
      '> 90% for 10m: 1 firing, 1 resolved',
      '2 series with an alert,',
      '2 FIRED 09:20, 1 resolved 09:35',
    ],
    [
      'one has no data',
      [firing, lacking],
      '> 90% for 10m: 2 alerts (1 without data)',
      '2 series with an alert,',
      '2 FIRED 09:20',
    ],
    [
      'none has data, and one has ended',
      [lacking, { ...lacking, alertId: 'c', labels: node('n3') }, over],
      ': 2 firing without data, 1 resolved',
      '3 series with an alert,',
      '3 FIRED 09:20, 1 resolved 09:35',
    ],
    [
      'one recovers',
      [firing, recovering],
      '> 90% for 10m: 2 alerts (1 recovering)',
      '2 series with an alert,',
      '2 FIRED 09:20',
    ],
  ] as const)('says how many fire and how many do not: %s', (_, alerts, title, series, label) => {
    const given = input(alerts);
    expect(titleOf(given).replace(/^Memory usage ?/, '')).toBe(title);
    expect(subtitleOf(given)).toContain(`${series} of 2 clusters (prod, test)`);
    expect(firingText(given)).toBe(label);
  });
});

it('a picture says no end that has not come yet', () => {
  const ended = { ...firing, status: 'resolved', resolvedAtMs: NOW + 60 * MINUTE } as const;
  expect(firingText(input([ended]))).toBe('fired 09:20, resolved at an unknown time');
});

it.each([
  [
    'recovers',
    { value: 61, clearedAtMs: NOW - 5 * MINUTE },
    'Memory usage: 61%, was > 90% for 25m, recovering since 09:35',
  ],
  [
    'had no data',
    { status: 'resolved', reason: 'threshold', firedReason: 'no-data', value: 21, resolvedAtMs: NOW },
    'Memory usage: had no data, ended at 21% after 30m',
  ],
] as const)('says in its title what the text says: %s', (_, extra, title) => {
  expect(titleOf(input([{ ...firing, ...extra }]))).toBe(title);
});

it('says of a forecast that it is one, and what it is made from', () => {
  const window = { lastMs: 360 * MINUTE, reduce: 'forecast', aheadMs: 1440 * MINUTE } as const;
  const ahead = (alerts: readonly NotificationAlert[]) => ({
    ...input(alerts),
    rule: { ...rule, title: 'Disk fills', metric: 'disk_usage', window },
  });
  expect(titleOf(ahead([firing]))).toBe('Disk fills: forecast to be 94.1%, > 90% in 24h for 10m');
  const several = ahead([firing, { ...firing, alertId: 'b', labels: node('n2') }]);
  expect(titleOf(several)).toBe('Disk fills, forecast > 90% in 24h for 10m: 2 alerts');
  expect(subtitleOf(several)).toContain(' · forecast of disk_usage in 24h from its last 6h · ');
});
