import { describe, expect, it } from 'vitest';
import { sampleAlert, sampleNotification } from '../../../test/contract/notifications.ts';
import { parseHtml } from './telegram.fixture.ts';
import { CAPTION_LIMIT, render, TEXT_LIMIT } from './text.ts';

describe('the text', () => {
  it('says all of a notification, every name literal', () => {
    const { html, length } = render(sampleNotification(), CAPTION_LIMIT);
    expect(html).toBe(
      [
        '🔴 <b>FIRING critical · Memory usage: 한빛-&lt;prod&gt;&amp;"db" / 노드-1 *_[`</b>',
        '2026-11-24 18:10:02 Asia/Seoul · first message',
        '✖ 노드-1 *_[` has used 94.1% of its memory for 10m',
        '<i>한빛-&lt;prod&gt;&amp;"db" / 노드-1 *_[` · since 18:00:00, fired 18:10:00</i>',
        '<a href="https://runbooks.example.net/memory">Runbook</a>',
      ].join('\n'),
    );
    expect(parseHtml(html)).toHaveLength(length);
  });

  it.each([
    [1, CAPTION_LIMIT],
    [9, CAPTION_LIMIT],
    [30, CAPTION_LIMIT],
    [500, CAPTION_LIMIT],
    [500, TEXT_LIMIT],
    [20_000, TEXT_LIMIT],
  ])('of %i alerts fits into %i characters after parsing', (count, limit) => {
    const alerts = Array.from({ length: count }, (_, i) =>
      sampleAlert({ alertId: `a${i}`, detail: 'unreachable: <timeout> & more' }),
    );
    const { html, length } = render(sampleNotification({ alerts }), limit);
    expect(parseHtml(html)).toHaveLength(length);
    expect(length).toBeLessThanOrEqual(limit);
    if (count >= 500) expect(html).toMatch(/\nand \d+ more\n<a [^>]*>Runbook<\/a>$/);
  });

  it.each([
    [10, CAPTION_LIMIT, 10],
    [40, CAPTION_LIMIT, 28],
    [400, TEXT_LIMIT, 180],
  ])(
    'keeps value and times of the news, beside %i alerts that stand, in %i characters',
    (count, limit, least) => {
      const labels = (n: number) => ({ cluster: `prod-${n % 4}`, node: `node-${n}` });
      const old = Array.from({ length: count }, (_, i) =>
        sampleAlert({ alertId: `a${i}`, labels: labels(i), news: false }),
      );
      const over = sampleAlert({
        labels: labels(999),
        status: 'resolved',
        resolvedAtMs: Date.UTC(2026, 10, 24, 9, 20),
        summary: 'Memory usage: ended at 61%, was > 90% for 20m',
      });
      const text = parseHtml(
        render(sampleNotification({ atMs: over.resolvedAtMs, alerts: [over, ...old] }), limit).html,
      );
      const lines = text.replaceAll('\u2060', '').split('\n');
      expect(lines.slice(2, 4)).toEqual([
        '✔ Memory usage: ended at 61%, was > 90% for 20m',
        'prod-3 / node-999 · since 18:00:00, fired 18:10:00, resolved 18:20:00 after 20m',
      ]);
      const alertLines = lines.filter((line) => line.startsWith('✖'));
      expect(alertLines.length).toBeGreaterThanOrEqual(Math.min(least, count));
      if (alertLines.length < count) expect(lines).toContain(`and ${count - alertLines.length} more`);
    },
  );

  it('of more news than fit in full keeps values and places', () => {
    const alerts = Array.from({ length: 12 }, (_, i) => sampleAlert({ alertId: `a${i}` }));
    const brief = parseHtml(render(sampleNotification({ alerts }), CAPTION_LIMIT).html);
    const unnamed = alerts.map((alert, i) => ({
      ...alert,
      labels: { cluster: 'prod', node: `node-${i}` },
      summary: 'CPU: no data since 18:12',
      detail: 'timeout: no answer within the five seconds of a probe',
    }));
    const shown = parseHtml(render(sampleNotification({ alerts: unnamed }), CAPTION_LIMIT).html);
    expect(shown.replaceAll('\u2060', '')).toContain('✖ prod / node-7: CPU: no data since 18:12');
    expect(brief.match(/has used 94\.\S*1%/g)).toHaveLength(12);
  });

  it('cuts a name that alone is too long before it becomes markup', () => {
    const labels = { cluster: '<'.repeat(3_000) };
    const { html, length } = render(sampleNotification({ alerts: [sampleAlert({ labels })] }), CAPTION_LIMIT);
    expect(length).toBeLessThan(CAPTION_LIMIT);
    expect(parseHtml(html)).toHaveLength(length);
    expect(html).toContain('\n2026-11-24 18:10:02 Asia/Seoul · first message\n');
  });
});
