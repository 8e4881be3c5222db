import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChartInput } from '../../core/chart/input.ts';
import { buildChartSpec, type ChartSpec } from '../../core/chart/spec.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { NotificationAlert } from '../../core/model/notification.ts';
import type { Rule } from '../../core/model/rule.ts';
import { memoryUsage, sampleAlert } from '../../test/contract/notifications.ts';
import { drawableText } from './drawable.ts';
import { renderSvg } from './svg.ts';
import { textWidth } from './text-width.ts';
import { TEXT, THEMES, WIDTH } from './theme.ts';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 10, 24, 9, 40);
const rule: Rule = {
  ...memoryUsage,
  recoveryThreshold: 85,
};
const node = (name: string, cluster = 'prod'): Labels => ({ cluster, node: name, role: 'etcd' });
const alertOf = (labels: Labels, minutesAgo = 20, extra: Partial<NotificationAlert> = {}) =>
  sampleAlert({
    labels,
    alertId: JSON.stringify(labels),
    sinceMs: NOW - (minutesAgo + 10) * MINUTE,
    firedAtMs: NOW - minutesAgo * MINUTE,
    ...extra,
  });
const seriesOf = (labels: Labels, valueAt: (i: number) => number, count = 91) => ({
  metric: 'mem_usage',
  labels,
  points: Array.from({ length: count }, (_, i) => ({ timeMs: NOW - (90 - i) * MINUTE, value: valueAt(i) })),
});

function specOf(extra: Partial<ChartInput> = {}): ChartSpec {
  return buildChartSpec({
    alerts: [alertOf(node('n1'))],
    rule,
    series: [seriesOf(node('n1'), () => 94), seriesOf(node('n2'), () => 60)],
    fromMs: NOW - 90 * MINUTE,
    toMs: NOW,
    nowMs: NOW,
    timeZone: 'UTC',
    intervalMs: MINUTE,
    status: 'firing',
    ...extra,
  });
}

/** Words on the plot, with what they cover. */
function textsOf(svg: string) {
  return [
    ...svg.matchAll(/<text x="([\d.-]+)" y="([\d.-]+)" font-weight="600" text-anchor="(\w+)"[^>]*>([^<]*)</g),
  ].map(([, x, y, anchor, text = '']) => {
    const width = textWidth(text, TEXT, true);
    const left = Number(x) - (anchor === 'middle' ? width / 2 : 0);
    return { text, left, right: left + width, top: Number(y) - 14, bottom: Number(y) + 4 };
  });
}

/** Parts of the lines of bounds. */
function boundLinesOf(svg: string) {
  return [...svg.matchAll(/<path d="([^"]*)" [^>]*stroke-dasharray="(?:14 9|4 8)"/g)].flatMap(([, d = '']) =>
    [...d.matchAll(/M([\d.]+) ([\d.]+)H([\d.]+)/g)].map(([, from, at, to]) => ({
      from: Number(from),
      to: Number(to),
      at: Number(at),
    })),
  );
}

const theFiring = (svg: string) => textsOf(svg).find(({ text }) => /fired/i.test(text));

describe('words on the plot', () => {
  it('are struck through by no threshold, wherever thresholds lie, and lie on no others', () => {
    const percent = fc.integer({ min: 1, max: 99 });
    fc.assert(
      fc.property(fc.tuple(percent, percent, percent, percent), fc.boolean(), (values, both) => {
        const [a = 1, b = 2, c = 3, d = 4] = values.sort((x, y) => x - y);
        const bounds: Partial<Rule> = both
          ? { condition: { kind: 'outside', low: a, high: d + 1 }, recoveryThreshold: [b, Math.max(b, c)] }
          : { condition: { kind: 'below', threshold: a }, recoveryThreshold: b };
        const svg = renderSvg(specOf({ rule: { ...rule, ...bounds } }));
        const texts = textsOf(svg).filter(({ text }) => /critical|recovery/.test(text));
        expect(texts).toHaveLength(both ? 4 : 2);
        for (const shownText of texts) {
          const struck = boundLinesOf(svg).filter(
            ({ from, to, at }) =>
              at > shownText.top && at < shownText.bottom && from < shownText.right && to > shownText.left,
          );
          expect([shownText.text, struck]).toEqual([shownText.text, []]);
          const under = texts.filter(
            (other) =>
              other !== shownText &&
              other.left < shownText.right &&
              shownText.left < other.right &&
              other.top < shownText.bottom &&
              shownText.top < other.bottom,
          );
          expect([shownText.text, under]).toEqual([shownText.text, []]);
        }
      }),
      { numRuns: 150 },
    );
  });

  it.each([20, 3, 0])(
    'say when it fired in the firing area, or over the plot: %i minutes ago',
    (minutesAgo) => {
      const svg = renderSvg(specOf({ alerts: [alertOf(node('n1'), minutesAgo)] }));
      const plot = /<clipPath id="plot"><rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"/.exec(svg);
      const [left, top, width] = (plot ?? []).slice(1).map(Number) as [number, number, number];
      const firedAt = left + width * (1 - minutesAgo / 90);
      const shownText = theFiring(svg);
      expect(shownText?.right).toBeLessThanOrEqual(left + width);
      if (minutesAgo === 20) expect(shownText?.left).toBeGreaterThan(firedAt);
      else expect(shownText?.bottom).toBeLessThanOrEqual(top + 4);
    },
  );
});

it.each([5, 9, 20, 40, 70])('the words of a threshold are crossed by no steep line: minute %i', (minute) => {
  const step = (of: string, at: number, low: number, high: number) =>
    seriesOf(node(of), (i) => (i < at ? low : high));
  const svg = renderSvg(
    specOf({
      rule: { ...rule, recoveryThreshold: undefined },
      series: [step('n1', minute, 60, 95), step('n2', minute + 3, 55, 96)],
    }),
  );
  const shownText = textsOf(svg).find(({ text }) => text.startsWith('critical'));
  const left = Number(svg.match(/<path d="M([\d.]+) [\d.]+H/)?.[1]);
  const x = (at: number) => left + ((WIDTH - 30 - left) * at) / 90;
  for (const at of [minute, minute + 3]) {
    const clear = (shownText?.right ?? Infinity) < x(at - 0.5) || (shownText?.left ?? 0) > x(at);
    expect([at, clear]).toEqual([at, true]);
  }
});

describe('lines that lie on one another', () => {
  const strokes = (svg: string) =>
    [
      ...svg.matchAll(
        /stroke="(#\w+)" stroke-width="(?:5|2\.5)"[^>]*stroke-dasharray="16 (\d+)" stroke-dashoffset="(-?\d+)"/g,
      ),
    ]
      .map(([, color, gap, offset]) => ({ color, gap: Number(gap), offset: Number(offset) }))
      .sort((a, b) => b.offset - a.offset);

  it('show each of them in turn', () => {
    const names = ['n1', 'n2', 'n3'];
    const svg = renderSvg(
      specOf({
        alerts: names.map((name) => alertOf(node(name))),
        series: names.map((name) => seriesOf(node(name), (i) => 50 + i / 2)),
      }),
    );
    const [first, second, third] = THEMES.dark.breaching;
    expect(strokes(svg)).toEqual([
      { color: first, gap: 32, offset: 0 },
      { color: second, gap: 32, offset: -16 },
      { color: third, gap: 32, offset: -32 },
    ]);
    expect(new Set([...svg.matchAll(/<circle cx="([\d.]+)"/g)].map(([, x]) => x)).size).toBe(3);
  });

  it('do so only as long as they do', () => {
    const svg = renderSvg(
      specOf({
        series: [seriesOf(node('n1'), (i) => (i < 45 ? 50 : 94)), seriesOf(node('n2'), () => 50)],
      }),
    );
    expect(strokes(svg).map(({ gap }) => gap)).toEqual([16, 16]);
    expect(svg.match(/stroke-width="5" stroke-linejoin="round" stroke-linecap="round"/g)).toHaveLength(1);
  });

  it('are whole where they only cross', () => {
    const svg = renderSvg(
      specOf({ series: [seriesOf(node('n1'), (i) => i), seriesOf(node('n2'), (i) => 90 - i)] }),
    );
    expect(strokes(svg)).toEqual([]);
  });
});

describe('several alerts', () => {
  const clusters = ['a', 'b', 'c'];
  const diamonds = (svg: string) =>
    [...svg.matchAll(/<path d="M[^"]*Z" fill="(#\w+)" stroke="#15181e"/g)].map(([, color]) => color);

  it('have a firing mark each, on their own lines', () => {
    const svg = renderSvg(
      specOf({
        alerts: clusters.map((cluster, i) => alertOf(node('n1', cluster), 20 - 5 * i)),
        series: clusters.map((cluster, i) => seriesOf(node('n1', cluster), () => 99 - 2 * i)),
      }),
    );
    expect(diamonds(svg).reverse()).toEqual(THEMES.dark.breaching.slice(0, 3));
    expect(svg).toContain('>3 FIRED 09:20 – 09:30<');
    expect(svg).not.toContain(`fill="${THEMES.dark.pending}" opacity`);
  });

  it('have a hollow mark where they ended', () => {
    const over = { status: 'resolved', resolvedAtMs: NOW - 10 * MINUTE, value: 60 } as const;
    const svg = renderSvg(
      specOf({
        alerts: [alertOf(node('n1')), alertOf(node('n2'), 30, over)],
        series: [seriesOf(node('n1'), () => 94), seriesOf(node('n2'), (i) => (i < 80 ? 95 : 60))],
      }),
    );
    const { background, breaching } = THEMES.dark;
    const hollow = [...svg.matchAll(/<path d="M([\d.]+) [^"]*Z" fill="(#\w+)" stroke="(#\w+)"/g)].filter(
      ([, , fill]) => fill === background,
    );
    expect(hollow.map(([, , , rim]) => rim)).toEqual([breaching[1]]);
    expect(Number(hollow[0]?.[1])).toBeGreaterThan(theFiring(svg)?.left ?? Infinity);
    expect(svg).toContain('>2 FIRED 09:10 – 09:20, 1 resolved 09:30<');
  });

  it('say how many are not drawn', () => {
    const all = Array.from({ length: 40 }, (_, i) => node(`n${i}`, clusters[i % 3]));
    const svg = renderSvg(
      specOf({
        alerts: all.map((labels) => alertOf(labels)),
        series: all.map((labels, i) => seriesOf(labels, () => 91 + i / 10)),
      }),
    );
    expect(svg).toContain('>a / n39<');
    expect(svg).toMatch(/>(and \d more, )?30 not drawn</);
  });
});

describe('names', () => {
  it.each([
    ['👩‍🚀-👍🏽', '👩-👍'],
    ['🇰🇷 1️⃣ ❤️', 'KR 1 ❤'],
    ['عربي-1', '\u200eعربي-1'],
    ['a\u202eb\u0000\u0007\nc', 'ab c'],
    ['노드 e\u0301', '노드 e\u0301'],
  ])('%j is drawn as %j', (name, drawn) => {
    expect(drawableText(name)).toBe(drawn);
  });

  it('have their values behind them, without laying over others', () => {
    const name = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('👩‍🚀🇰🇷', 'عربي', 'שלום x'));
    fc.assert(
      fc.property(name, (text) => {
        const svg = renderSvg(
          specOf({ series: [seriesOf(node(text), () => 94)], alerts: [alertOf(node(text))] }),
        );
        expect(svg).not.toMatch(/NaN|undefined|[\p{Cc}\u202a-\u202e\u2066-\u2069\u200d](?<!\n)/u);
        expect(svg).toContain('>94%</text>');
      }),
      { numRuns: 60 },
    );
  });
});

it('the last value of a dead node has its time', () => {
  const svg = renderSvg(
    specOf({ series: [seriesOf(node('n1'), () => 94, 70), seriesOf(node('n2'), () => 60)] }),
  );
  expect(svg).toContain('>94% at 09:19</text>');
  expect(svg).toContain('>60%</text>');
});
