import { describe, expect, it } from 'vitest';
import { sampleAlert, sampleNotification } from '../../test/contract/notifications.ts';
import { NOTIFY_REASONS, type NotifyReason } from '../model/notify-reason.ts';
import { REASONS } from '../model/transition.ts';
import { detailText, greatestThatFits, headline, historyText, occasionText, plainText } from './text.ts';

const labels = (node: string) => ({ cluster: 'prod', node, role: 'etcd' });
const alert = sampleAlert({ labels: labels('n1') });
const groupLabels = { rule: 'memory-usage', cluster: 'prod', severity: 'critical' };
const notify = (extra: Parameters<typeof sampleNotification>[0]) =>
  sampleNotification({ groupLabels, ...extra });
const over = { status: 'resolved', resolvedAtMs: alert.firedAtMs + 120_000 } as const;

describe('headline', () => {
  const many = (count: number, extra: Partial<typeof alert> = {}) =>
    Array.from({ length: count }, (_, i) => ({ ...alert, labels: labels(`m${i}`), ...extra }));
  const old = { news: false };
  it.each([
    ['one alert', [alert], 'FIRING critical · Memory usage: prod / n1'],
    ['a reminder of one', many(1, old), 'STILL FIRING critical · Memory usage: prod / m0'],
    ['a reminder of several', many(39, old), 'STILL FIRING critical · 39 alerts · Memory usage: prod'],
    ['several', many(2), 'FIRING critical · 2 new · Memory usage: prod'],
    [
      'one of many that just fired',
      [alert, ...many(39, old)],
      'FIRING critical · 1 new, 39 firing · Memory usage: prod / n1',
    ],
    [
      'one of many that just ended',
      [{ ...alert, ...over }, ...many(39, old)],
      'STILL FIRING critical · 1 resolved (prod / n1), 39 firing · Memory usage: prod',
    ],
    [
      'one that ended, beside one that fires',
      [{ ...alert, ...over }, ...many(1, old)],
      'STILL FIRING critical · 1 resolved (prod / n1), 1 firing · Memory usage: prod / m0',
    ],
    [
      'one of another rule that ended',
      [{ ...alert, ...over, title: 'Disk' }, ...many(1, old)],
      'STILL FIRING critical · 1 resolved (Disk: prod / n1), 1 firing · Memory usage: prod / m0',
    ],
    [
      'one that fired and ended before it was sent',
      [
        alert,
        { ...alert, ...over, untold: true as const, labels: labels('n2') },
        ...many(2, over),
        ...many(3, old),
      ],
      'FIRING critical · 1 new, 2 resolved, 1 fired and resolved, 3 firing · Memory usage: prod / n1',
    ],
    [
      'both',
      [alert, ...many(2, over), ...many(3, old)],
      'FIRING critical · 1 new, 2 resolved, 3 firing · Memory usage: prod / n1',
    ],
    ['two rules', [alert, { ...alert, title: 'Disk' }], 'FIRING critical · 2 new · Memory usage, Disk: prod'],
    [
      'three rules',
      [alert, { ...alert, title: 'Disk' }, { ...alert, title: 'Load' }],
      'FIRING critical · 3 new · Memory usage and 2 more: prod',
    ],
  ])('%s', (_, alerts, text) => {
    expect(headline(notify({ alerts }))).toBe(text);
  });

  it('says that all is over, and that nobody was told before', () => {
    const ended = (count: number, reason: NotifyReason, untold = 0) =>
      headline(
        notify({
          status: 'resolved',
          reason,
          alerts: [...many(untold, { ...over, untold: true }), ...many(count - untold, over)],
        }),
      );
    expect(ended(1, 'all-resolved')).toBe('RESOLVED critical · Memory usage: prod / m0');
    expect(ended(3, 'all-resolved')).toBe('RESOLVED critical · 3 alerts · Memory usage: prod');
    expect(ended(3, 'all-resolved', 2)).toBe(
      'RESOLVED critical · 1 resolved, 2 fired and resolved · Memory usage: prod',
    );
    for (const reason of ['fired-and-resolved', 'fallback'] as const) {
      expect(ended(1, reason, 1)).toBe('FIRED AND RESOLVED critical · Memory usage: prod / m0');
      expect(ended(2, reason, 2)).toBe('FIRED AND RESOLVED critical · 2 alerts · Memory usage: prod');
    }
  });

  it('names no place where the group has none', () => {
    expect(headline(notify({ groupLabels: {}, alerts: [alert, alert] }))).toBe(
      'FIRING critical · 2 new · Memory usage',
    );
  });

  it('loses the place where it would be too long, then letters', () => {
    expect(headline(notify({}), 40)).toBe('FIRING critical · Memory usage');
    expect(headline(notify({}), 24)).toBe('FIRING critical · Memor…');
    const whole = headline(notify({}));
    expect(headline(notify({}), whole.length)).toBe(whole);
    const alerts = [{ ...alert, ...over }, ...many(2, old)];
    expect(headline(notify({ alerts }), 72)).toBe(
      'STILL FIRING critical · 1 resolved, 2 firing · Memory usage',
    );
  });
});

it.each(NOTIFY_REASONS)('the line under the headline says in words why it is sent: %s', (reason) => {
  const line = occasionText(notify({ reason }));
  expect(line).toMatch(/^2026-11-24 18:10:02 Asia\/Seoul · [a-z ]{5,}$/);
});

it('a silence that ended is said to be why', () => {
  expect(occasionText(notify({ reason: 'silence-ended' }))).toContain('sent now because a silence ended');
});

it('the severity stands beside an alert where it is another than that of the headline', () => {
  const warning = { ...alert, severity: 'warning' as const };
  expect(detailText(alert, notify({ alerts: [alert] }))).toBe('prod / n1 · since 18:00:00, fired 18:10:00');
  expect(detailText(warning, notify({ alerts: [alert, warning] }))).toContain('prod / n1 · warning · since');
});

describe('historyText', () => {
  const notification = notify({ atMs: alert.firedAtMs + 120_000 });
  it('has no end while it fires', () => {
    expect(historyText(alert, notification)).toBe('since 18:00:00, fired 18:10:00');
  });
  it('tells the end, when the values were good again, and an uncommon reason', () => {
    expect(historyText({ ...alert, ...over }, notification)).toBe(
      'since 18:00:00, fired 18:10:00, resolved 18:12:00 after 12m',
    );
    const cleared = { ...alert, ...over, clearedAtMs: alert.firedAtMs + 60_000, reason: 'stale' as const };
    expect(historyText(cleared, notification)).toBe(
      'since 18:00:00, fired 18:10:00, resolved 18:12:00 after 12m (cleared 18:11:00) as its series is gone: its state is unknown',
    );
  });
  it.each([
    [{ reason: 'no-data' }, 'fired 18:10:00 as data were missing'],
    [{ reason: 'no-data', noDataSinceMs: alert.sinceMs }, 'fired 18:10:00 as data were missing'],
    [{ noDataSinceMs: alert.firedAtMs + 60_000 }, 'fired 18:10:00, no data since 18:11:00'],
    [{ clearedAtMs: alert.firedAtMs + 60_000 }, 'fired 18:10:00, recovering since 18:11:00'],
    [{ ...over, firedReason: 'no-data' }, 'fired 18:10:00 as data were missing, resolved 18:12:00 after 12m'],
    [{ ...over, untold: true }, 'fired 18:10:00, resolved 18:12:00 after 12m, not sent while it fired'],
    [
      { ...over, reason: 'removed' },
      'fired 18:10:00, resolved 18:12:00 after 12m when its node or rule was removed',
    ],
  ] as const)('says in words how it came about: %j', (extra, text) => {
    expect(historyText({ ...alert, ...extra }, notification)).toBe(`since 18:00:00, ${text}`);
  });
  it('says no time that has not come yet, and no duration that leads there', () => {
    const early = { ...notification, atMs: alert.sinceMs + 20_000 };
    const hourLater = {
      ...over,
      clearedAtMs: alert.sinceMs + 3_588_000,
      resolvedAtMs: alert.sinceMs + 3_588_000,
    };
    const fired = { firedAtMs: alert.sinceMs };
    expect(historyText({ ...alert, ...hourLater, ...fired }, early)).toBe(
      'since 18:00:00, fired 18:00:00, resolved at an unknown time (the clock was set back)',
    );
    expect(historyText(alert, { ...notification, atMs: alert.sinceMs - 3_600_000 })).toBe(
      'since an unknown time, fired at an unknown time (the clock was set back)',
    );
    // Clocks that differ a little leave nothing unknown.
    expect(historyText(alert, { ...notification, atMs: alert.firedAtMs - 2_000 })).toBe(
      'since 18:00:00, fired 18:10:00',
    );
  });
  it.each(REASONS)('has no raw word of ours for a reason: %s', (reason) => {
    expect(historyText({ ...alert, ...over, reason, firedReason: reason }, notification)).not.toMatch(
      /[[\]]|-/,
    );
  });
  it('tells the day of what began on another', () => {
    const nextDay = { ...notification, atMs: alert.firedAtMs + 86_400_000 };
    expect(historyText(alert, nextDay)).toBe('since 24 Nov 18:00:00, fired 24 Nov 18:10:00');
  });
});

it.each([0, 1, 2, 7, 99, 100])('of a hundred the greatest that fits is found: %d', (limit) => {
  expect(greatestThatFits(100, (count) => count <= limit)).toBe(limit);
});

describe('plainText', () => {
  it('shortens by whole alerts', () => {
    const alerts = Array.from({ length: 12 }, (_, i) =>
      sampleAlert({ alertId: `a${i}`, labels: labels(`n${i}`) }),
    );
    const lines = plainText(notify({ alerts }), 3).split('\n');
    expect(lines.filter((line) => line.startsWith('✖'))).toHaveLength(3);
    expect(lines.slice(-2)).toEqual(['and 9 more', 'runbook: https://runbooks.example.net/memory']);
    expect(lines[1]).toBe('2026-11-24 18:10:02 Asia/Seoul · first message');
  });

  it('counts no rest where there is none, and marks what has ended', () => {
    const lines = plainText(notify({ alerts: [alert, { ...alert, ...over }] }), 2).split('\n');
    expect(lines.filter((line) => line.startsWith('and '))).toEqual([]);
    expect(lines[2]?.startsWith('✖ ')).toBe(true);
    expect(lines[4]?.startsWith('✔ ')).toBe(true);
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
    expect(text).toContain('\nhistory: https://h.example.net\nsilence: https://s.example.net');
  });
});
