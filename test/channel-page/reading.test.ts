import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChannelAdapter } from '../../adapters/channels/channel-adapter.ts';
import { CHANNELS } from '../../adapters/channels/registry.ts';
import { sampleRule } from '../../core/chart/sample-message.ts';
import type { Notification, NotificationAlert } from '../../core/model/notification.ts';
import { renderSummary } from '../../core/notify/summary.ts';
import { visibleLine } from '../../core/text/visible-line.ts';
import { type ChannelFixture, channelFixture } from '../contract/channel-service.ts';
import { sampleAlert, sampleNotification, samplePicture } from '../contract/notifications.ts';

const FIXTURES = new Map<string, ChannelFixture>();
for (const { type } of CHANNELS) FIXTURES.set(type, await channelFixture(type));

/** The lines that a reader of a message sees; if programs read it, its text. */
function linesOf(adapter: ChannelAdapter, notification: Notification, picture = true): string[] {
  const options = adapter.options.parse(adapter.example);
  const preview = adapter.preview(notification, picture ? samplePicture : undefined, options);
  const read = FIXTURES.get(adapter.type)?.readPreview;
  if (!read) return (JSON.parse(preview) as { text: string }).text.split('\n').map((line) => line.trim());
  return read(preview).map((line) =>
    line.kind === 'chart'
      ? '(chart)'
      : line.spans
          .map(({ text }) => text)
          .join('')
          .trim(),
  );
}

/** An alert whose texts contain its labels, as it fires or has resolved. */
function alertOf(labels: Record<string, string>, extra: Partial<NotificationAlert> = {}): NotificationAlert {
  const alert = sampleAlert({ labels, ...extra });
  const rule = { ...sampleRule, summary: '{{node}} has used {{value}}' };
  const nowMs = alert.resolvedAtMs ?? alert.firedAtMs;
  return { ...alert, summary: renderSummary(rule, alert, { nowMs, timeZone: 'UTC' }) };
}

const AWKWARD = [
  '<b>&_*[`노드-1',
  '@channel @here <!channel> <@U1>',
  '[x](http://evil.example)|a>b',
  'a\r\nb\u2028c\td',
  'abc\u202edef\u2066x\u200f',
  'عربي-1',
  '👩‍🚀🇰🇷👍🏽1️⃣',
  'x\u0000\u0007\u009b31m\u200b\ufeff\ud800',
  '\\`*_{}[]()#+-.!|~:',
  ' / , "',
  'क्‍ष',
];

const TEXTS = CHANNELS.filter(({ type }) => !FIXTURES.get(type)?.withoutText);

describe.each(TEXTS.map((adapter) => [adapter.type, adapter] as const))('%s', (_, adapter) => {
  it.each(AWKWARD)('shows the exact name, whatever it means in some markup: %j', (node) => {
    const lines = linesOf(adapter, sampleNotification({ alerts: [alertOf({ node })] }));
    expect(lines).toContain(`✖ ${visibleLine(`${node} has used 94.1%`)}`);
    if (FIXTURES.get(adapter.type)?.readPreview) expect(lines).toContain('(chart)');
  });

  it('is not broken by any name, and shows no invisible characters', () => {
    const name = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...AWKWARD), fc.string());
    fc.assert(
      fc.property(name, name, name, (cluster, node, mount) => {
        const alerts = [alertOf({ cluster, node, mount }), alertOf({ cluster, node }, { alertId: 'b' })];
        const lines = linesOf(adapter, sampleNotification({ groupLabels: { cluster }, alerts }));
        expect(lines.filter((line) => line === `✖ ${visibleLine(`${node} has used 94.1%`)}`)).toHaveLength(2);
        expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Cs}\u200b]/u);
      }),
      { numRuns: 200 },
    );
  });

  it('has severity, date, time zone and reason in its first lines', () => {
    const [first, second] = linesOf(adapter, sampleNotification({ reason: 'silence-ended' })).filter(
      (line) => line !== '(chart)',
    );
    expect(first).toMatch(/FIRING critical · Memory usage/);
    expect(second).toBe('2026-11-24 18:10:02 Asia/Seoul · sent now because a silence ended');
  });

  it.each(['firing', 'resolved'] as const)('shows the new alert first of forty: one is %s', (status) => {
    const others = Array.from({ length: 39 }, (_, i) =>
      alertOf({ cluster: 'prod', node: `node-${i}` }, { alertId: `a${i}`, news: false }),
    );
    const atMs = Date.UTC(2026, 10, 24, 9, 20);
    const ended = status === 'resolved' ? { status, resolvedAtMs: atMs } : {};
    const one = alertOf({ cluster: 'prod', node: 'node-99' }, { ...ended, value: 61 });
    const lines = linesOf(adapter, sampleNotification({ atMs, alerts: [one, ...others] }), false);
    const change =
      status === 'firing'
        ? ' FIRING critical · 1 new, 39 firing · Memory usage: prod / node-99'
        : 'STILL FIRING critical · 1 resolved (prod / node-99), 39 firing · Memory usage: ';
    expect(` ${lines[0]}`).toContain(change);
    const shown = lines.filter((line) => /^[✖✔]/.test(line));
    expect(shown[0]?.[0]).toBe(status === 'firing' ? '✖' : '✔');
    expect(lines.some((line) => /^and \d+ more$/.test(line))).toBe(shown.length < 40);
  });

  it('shows how old a value is, and how long a resolved alert took', () => {
    const old = alertOf({ node: 'n' }, { news: false, valueAtMs: Date.UTC(2026, 10, 24, 8, 50) });
    expect(linesOf(adapter, sampleNotification({ alerts: [old] }))).toContain('✖ n has used 94.1% at 08:50');
    const over = { status: 'resolved', resolvedAtMs: Date.UTC(2026, 10, 24, 9, 20) } as const;
    const alerts = [alertOf({ node: 'n' }, { ...over, value: 61 })];
    const ended = linesOf(
      adapter,
      sampleNotification({ status: 'resolved', atMs: over.resolvedAtMs, alerts }),
    );
    expect(ended).toContain('✔ Test message, memory usage: ended at 61%, was > 90% for 20m');
    expect(ended).toContain('n · since 18:00:00, fired 18:10:00, resolved 18:20:00 after 20m');
  });
});
