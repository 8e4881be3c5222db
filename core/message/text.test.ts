import { describe, expect, it } from 'vitest';
import { sampleAlert, sampleNotification } from '../../test/contract/notifications.ts';
import { headline, historyText, plainText } from './text.ts';

const labels = (node: string) => ({ cluster: 'prod', node, role: 'etcd' });
const alert = sampleAlert({ labels: labels('n1') });
const groupLabels = { rule: 'memory-usage', cluster: 'prod', severity: 'critical' };
const notify = (extra: Parameters<typeof sampleNotification>[0]) =>
  sampleNotification({ groupLabels, ...extra });
const over = { status: 'resolved', resolvedAtMs: alert.firedAtMs + 120_000 } as const;

describe('headline', () => {
  it.each([
    ['one alert', [alert], 'FIRING Memory usage: prod / n1'],
    ['several', [alert, { ...alert, labels: labels('n2') }], 'FIRING (2) Memory usage: prod'],
    [
      'only those that fire',
      [alert, { ...alert, ...over, labels: labels('n2') }],
      'FIRING Memory usage: prod / n1',
    ],
    ['two rules', [alert, { ...alert, title: 'Disk' }], 'FIRING (2) Memory usage, Disk: prod'],
    [
      'three rules',
      [alert, { ...alert, title: 'Disk' }, { ...alert, title: 'Load' }],
      'FIRING (3) Memory usage and 2 more: prod',
    ],
  ])('%s', (_, alerts, text) => {
    expect(headline(notify({ alerts }))).toBe(text);
  });

  it('says that all is over', () => {
    expect(headline(notify({ status: 'resolved', alerts: [{ ...alert, ...over }] }))).toBe(
      'RESOLVED Memory usage: prod / n1',
    );
  });

  it('names no place where the group has none', () => {
    expect(headline(notify({ groupLabels: {}, alerts: [alert, alert] }))).toBe('FIRING (2) Memory usage');
  });
});

describe('historyText', () => {
  const told = notify({});
  it('has no end while it fires', () => {
    expect(historyText(alert, told)).toBe('since 18:00:00, fired 18:10:00');
  });
  it('tells the end, when the values were good again, and an uncommon reason', () => {
    expect(historyText({ ...alert, ...over }, told)).toBe(
      'since 18:00:00, fired 18:10:00, resolved 18:12:00',
    );
    const cleared = { ...alert, ...over, clearedAtMs: alert.firedAtMs + 60_000, reason: 'stale' as const };
    expect(historyText(cleared, told)).toBe(
      'since 18:00:00, fired 18:10:00, resolved 18:12:00 (cleared 18:11:00) [stale]',
    );
  });
  it('tells the day of what began on another', () => {
    const nextDay = { ...told, atMs: alert.firedAtMs + 86_400_000 };
    expect(historyText(alert, nextDay)).toBe('since 24 Nov 18:00:00, fired 24 Nov 18:10:00');
  });
});

describe('plainText', () => {
  it('shortens by whole alerts', () => {
    const alerts = Array.from({ length: 12 }, (_, i) =>
      sampleAlert({ alertId: `a${i}`, labels: labels(`n${i}`) }),
    );
    const lines = plainText(notify({ alerts }), 3).split('\n');
    expect(lines.filter((line) => line.startsWith('✖'))).toHaveLength(3);
    expect(lines.slice(-3)).toEqual([
      'and 9 more',
      'runbook: https://runbooks.example.net/memory',
      '2026-11-24 18:10:02 Asia/Seoul',
    ]);
  });

  it('has detail, each runbook once, and links', () => {
    const text = plainText(
      notify({
        alerts: [{ ...alert, detail: 'timeout: no answer in 5 s' }, alert],
        links: { history: 'https://h.example.net', silence: 'https://s.example.net' },
      }),
    );
    expect(text).toContain('\n  timeout: no answer in 5 s\n');
    expect(text.match(/runbook:/g)).toHaveLength(1);
    expect(text).toContain('\nhistory: https://h.example.net\nsilence: https://s.example.net\n');
  });
});
