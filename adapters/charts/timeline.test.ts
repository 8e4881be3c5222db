import { describe, expect, it } from 'vitest';
import { timeAxis } from '../../core/chart/axes.ts';
import type { TimelineBar, TimelineSpec } from '../../core/chart/timeline.ts';
import { decode } from '../../test/png.ts';
import { createChartRenderer } from './renderer.ts';
import { renderTimelineSvg } from './timeline.ts';

const FROM = Date.UTC(2026, 10, 24);
const HOUR = 3_600_000;
const span = (from: number, to: number) => ({ fromMs: FROM + from * HOUR, toMs: FROM + to * HOUR });
const NONE: TimelineBar = { pending: [], firing: [], unsent: [], unknown: [], messagesMs: [] };
const FULL: TimelineBar = {
  pending: [span(1, 2)],
  firing: [span(2, 4)],
  unsent: [span(6, 8)],
  unknown: [span(4, 5)],
  messagesMs: [FROM + 2 * HOUR],
};

function specOf(
  names: readonly string[],
  { bars = [FULL], versions = [], ...extra }: Partial<TimelineSpec> & { bars?: readonly TimelineBar[] } = {},
): TimelineSpec {
  const lanes = names.map((name) => ({ name, bars }));
  return {
    ...{ theme: 'dark', title: 'Backtest: 2 firings, 1 message', subtitle: '6h · UTC', versions },
    x: timeAxis(FROM, FROM + 10 * HOUR, 'UTC'),
    groups: [{ name: 'memory', note: 'fired twice', lanes, omitted: 16 }],
    rest: '3 rules did not fire',
    alt: 'alt',
    ...extra,
  };
}

describe('a timeline', () => {
  it('has title, rules, alerts, times, what is left out, and a legend of what it has', () => {
    const { svg } = renderTimelineSvg(specOf(['prod / n1', 'prod / n2']));
    const legend = ['pending', 'firing', 'firing, sent to nobody', 'unknown: no samples', 'message'];
    const texts = [
      'Backtest: 2 firings, 1 message',
      'memory',
      'fired twice',
      'prod / n2',
      '02:00',
      ...legend,
    ];
    for (const text of [...texts, 'and 16 more', '3 rules did not fire']) expect(svg).toContain(`>${text}<`);
    const quiet = renderTimelineSvg(specOf(['prod / n1'], { bars: [NONE] })).svg;
    for (const text of legend) expect(quiet).not.toContain(`>${text}<`);
  });

  it('draws pending, firing and what is sent to nobody in their colours, at their times', async () => {
    const picture = await createChartRenderer().renderTimeline(specOf(['n1']));
    const pixels = decode(picture.png);
    expect([pixels.width, pixels.height]).toEqual([picture.width, picture.height]);
    // The bar of the only lane: from the end of the shortest name to the right edge.
    const left = 24 + 12 + 90 + 24;
    const at = (hour: number) => pixels.at(Math.round(2 * (left + ((964 - left) * hour) / 10)), 2 * 146);
    expect(at(1.5)).toBe('ffb84dff');
    expect(at(3)).toBe('ff6b6bff');
    expect(at(9)).not.toBe('ff6b6bff');
    expect(at(7)).not.toBe(at(9));
  });

  it('shows a firing of a minute in a month', () => {
    const short = { ...NONE, firing: [{ fromMs: FROM, toMs: FROM + 60_000 }] };
    const x = timeAxis(FROM, FROM + 30 * 24 * HOUR, 'UTC');
    expect(renderTimelineSvg(specOf(['n1'], { bars: [short], x })).svg).toMatch(
      /<rect x="150" [^>]*width="3" [^>]*fill="#ff6b6b"/,
    );
  });

  it('names both bars of a lane, and grows with its lanes', () => {
    const double = renderTimelineSvg(specOf(['n1'], { bars: [FULL, NONE], versions: ['was', 'now'] }));
    expect(double.svg).toContain('>was<');
    expect(double.svg).toContain('>now<');
    expect(renderTimelineSvg(specOf(['n1', 'n2', 'n3'])).height).toBe(
      renderTimelineSvg(specOf(['n1'])).height + 68,
    );
  });

  it('is bright where it is asked for, and has none of the dark colours', () => {
    const colours = (theme: 'dark' | 'light') =>
      new Set(renderTimelineSvg(specOf(['n1'], { theme })).svg.match(/#[0-9a-f]{6}/g));
    expect([...colours('light')].filter((colour) => colours('dark').has(colour))).toEqual([]);
  });

  it('holds any name: it is escaped, shortened, and stays in the picture', () => {
    const hostile = `<script>&"\u0000\u202e\n${'한빛'.repeat(60)}`;
    const groups = [{ name: hostile, note: hostile, lanes: [{ name: hostile, bars: [FULL] }], omitted: 0 }];
    const spec = specOf([], { title: hostile, subtitle: hostile, groups });
    const { svg } = renderTimelineSvg(spec);
    expect(svg).not.toMatch(/<script>|NaN|Infinity|undefined/);
    expect(svg).not.toContain('\u0000');
    expect(svg).not.toContain('\u202e');
    expect(svg).toContain('&lt;script&gt;&amp;');
    expect(svg.length).toBeLessThan(10_000);
    for (const [, x] of svg.matchAll(/<text x="([\d.]+)"/g)) expect(Number(x)).toBeLessThan(1_000);
  });

  it('is small where nothing fired', () => {
    const { svg, height } = renderTimelineSvg(specOf([], { groups: [] }));
    expect(svg).toContain('>3 rules did not fire<');
    expect(svg).not.toContain('>02:00<');
    expect(height).toBeLessThan(200);
  });
});
