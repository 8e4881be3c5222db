import { Resvg } from '@resvg/resvg-js';
import { describe, expect, it } from 'vitest';
import { buildChartSpec, type ChartSpec } from '../../core/chart/spec.ts';
import type { Rule } from '../../core/model/rule.ts';
import { memoryUsage, sampleAlert } from '../../test/contract/notifications.ts';
import { decode, type Pixels } from '../../test/png.ts';
import { escapeXml } from './elements.ts';
import { createChartRenderer, FONT_FILES } from './renderer.ts';
import { renderSvg } from './svg.ts';
import { fitText, textWidth } from './text-width.ts';
import { FONT } from './theme.ts';

const NOW = Date.UTC(2026, 10, 24, 9, 40);
const MINUTE = 60_000;
const rule: Rule = {
  ...memoryUsage,
  recoveryThreshold: 85,
};

function specOf(names: readonly string[], count = 60, extra: Partial<Rule> = {}): ChartSpec {
  const labels = (node: string) => ({ cluster: 'prod', node, role: 'etcd' });
  return buildChartSpec({
    alerts: [
      sampleAlert({
        labels: labels(names[0] ?? 'n'),
        sinceMs: NOW - 30 * MINUTE,
        firedAtMs: NOW - 20 * MINUTE,
      }),
    ],
    rule: { ...rule, ...extra },
    series: names.map((node, n) => ({
      metric: 'mem_usage',
      labels: labels(node),
      points: Array.from({ length: count }, (_, i) => ({
        timeMs: NOW - (count - 1 - i) * MINUTE,
        value: 95 - 10 * n,
      })),
    })),
    fromMs: NOW - 60 * MINUTE,
    toMs: NOW,
    nowMs: NOW,
    timeZone: 'UTC',
    intervalMs: MINUTE,
    status: 'firing',
  });
}

/** The pixels of the first legend name, as text, for comparing shapes. */
function legendName(pixels: Pixels): string {
  const rows: string[] = [];
  for (let y = 930; y < 975; y++) {
    let row = '';
    for (let x = 108; x < 150; x++) row += pixels.at(x, y) === '15181eff' ? ' ' : '#';
    rows.push(row);
  }
  return rows.join('\n');
}

describe('the picture', () => {
  const renderer = createChartRenderer();

  it('is a PNG of 2000 by 1000 with a red bar at its left', async () => {
    const picture = await renderer.render(specOf(['node-1', 'node-2']));
    const pixels = decode(picture.png);
    expect([pixels.width, pixels.height, picture.width, picture.height]).toEqual([2000, 1000, 2000, 1000]);
    expect(pixels.at(4, 500)).toBe('ff6b6bff');
    expect(picture.alt).toContain('Memory usage 94.1% > 90% for 10m');
  });

  it('draws letters of many scripts, each its own shape', async () => {
    // The second Chinese letter is simplified and the third traditional: Japanese faces lack them.
    const names = ['A', '노', '드', '東', 'か', '东', '龙', '臺', 'Ж', 'Ω', 'ع', 'ไ', 'न', '🚀'];
    const shapes = await Promise.all(
      names.map(async (name) => legendName(decode((await renderer.render(specOf([name]))).png))),
    );
    for (const shape of shapes) expect(shape).toContain('#');
    expect(new Set(shapes).size).toBe(names.length);
    // A letter that no face has is drawn as a box: none of the above may look like it.
    const box = legendName(decode((await renderer.render(specOf(['\u{12000}']))).png));
    expect(shapes).not.toContain(box);
  });

  it('draws bursts without keeping their memory', async () => {
    const spec = specOf(['node-1', 'node-2', 'node-3']);
    for (let i = 0; i < 5; i++) await renderer.render(spec);
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 60; i++) await renderer.render(spec);
    expect(process.memoryUsage().rss - before).toBeLessThan(120 * 1024 * 1024);
  });
});

function ground(segments: ChartSpec['lines'][number]['segments']) {
  return segments.flat().map(({ timeMs }) => ({ timeMs, value: 2 }));
}

function svgLabelY(svg: string): number {
  return Number(svg.match(/ y="([\d.]+)"[^>]*>FIRED/)?.[1]);
}

describe('the SVG', () => {
  it('has title, bounds, regions, a thick line for what breaches and a thin one behind it', () => {
    const svg = renderSvg(specOf(['node-1', 'node-2']));
    for (const text of [
      'Memory usage 94.1% &gt; 90% for 10m',
      'critical 90%',
      'recovery 85%',
      'FIRED 09:20',
      'node-2',
    ]) {
      expect(svg).toContain(`>${text}<`);
    }
    expect(svg.match(/<path [^>]*stroke-width="5"/g)).toHaveLength(1);
    expect(svg.match(/<path [^>]*stroke-width="2.5" stroke-linejoin/g)).toHaveLength(1);
    expect(svg.indexOf('stroke-width="5" stroke-linejoin')).toBeGreaterThan(
      svg.indexOf('stroke-width="2.5" stroke-linejoin'),
    );
  });

  it('has a second row of names before it leaves any out, and counts those', () => {
    const named = (count: number) => renderSvg(specOf(Array.from({ length: count }, (_, i) => `node-${i}`)));
    const rows = (svg: string) => new Set(svg.match(/(?<= y=")\d+(?=" fill="#eceef2">node-)/g));
    expect([3, 9].map((count) => [rows(named(count)).size, / more</.test(named(count))])).toEqual([
      [1, false],
      [2, false],
    ]);
    const svg = named(70);
    const shown = svg.match(/>node-\d+</g)?.length ?? 0;
    expect(shown).toBeGreaterThan(8);
    expect(svg).toContain(`>and ${30 - shown} more, 40 not drawn<`);
    expect(svg).toContain('>node-0<');
  });

  it('lays no words over others, nor the words of the region over the line', () => {
    const low = specOf(['node-1'], 60, { condition: { kind: 'below', threshold: 4 }, recoveryThreshold: 6 });
    const lowest = {
      ...low,
      lines: low.lines.map((line) => ({ ...line, segments: [ground(line.segments)] })),
    };
    const svg = renderSvg(lowest);
    const at = (text: string) => {
      const [, x, y] = svg.match(new RegExp(`<text x="([\\d.]+)" y="([\\d.]+)"[^>]*>${text}<`)) ?? [];
      return { x: Number(x), y: Number(y) };
    };
    const [threshold, recovery] = [at('critical 4%'), at('recovery 6%')];
    expect(Math.abs(threshold.y - recovery.y) > 22 || recovery.x > threshold.x + 100).toBe(true);
    expect(at('FIRED 09:20').y).toBeLessThan(300);
    expect(svgLabelY(renderSvg(specOf(['node-1'])))).toBeGreaterThan(300);
  });

  it('says so where there is nothing to draw', () => {
    expect(renderSvg(specOf([]))).toContain('>no samples in this time<');
    expect(renderSvg(specOf(['node-1']))).not.toContain('no samples');
  });

  it('draws one point as a dot', () => {
    const svg = renderSvg(specOf(['node-1', 'node-2'], 1));
    expect(svg.match(/<circle /g)).toHaveLength(3);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('holds a month of minutes in a thousand points a line', () => {
    const svg = renderSvg(specOf(['node-1'], 43_200));
    expect(svg.length).toBeLessThan(60_000);
  });

  it('is bright where it is asked for, and has none of the dark colours', () => {
    const dark = renderSvg(specOf(['node-1', 'node-2']));
    const light = renderSvg({ ...specOf(['node-1', 'node-2']), theme: 'light' });
    const colors = (svg: string) => new Set(svg.match(/#[0-9a-f]{6}/g));
    expect([...colors(light)].filter((color) => colors(dark).has(color))).toEqual([]);
    expect(light).toContain('<rect width="1000" height="500" fill="#ffffff"/>');
  });

  it('escapes what names may hold', () => {
    expect(escapeXml('<b>&"\u0000\u0007\n\ud800x')).toBe('&lt;b&gt;&amp;&quot;\ufffd\ufffd \ufffdx');
    expect(renderSvg(specOf(['<script>&']))).toContain('&lt;script&gt;&amp;');
  });
});

describe('text widths', () => {
  it('shortens in the middle and only when needed', () => {
    expect(fitText('short', 20, 300)).toBe('short');
    const long = fitText('very-long-name-of-a-control-plane-node-0001', 20, 200);
    expect(long).toMatch(/^very.*….*01$/);
    expect(textWidth(long, 20)).toBeLessThanOrEqual(200);
  });

  it('leaves as many letters as there is room for, however long the text is', () => {
    for (const text of ['노드'.repeat(3_000), 'ab-'.repeat(2_000), 'e\u0301'.repeat(3_000)]) {
      const shown = fitText(text, 20, 300, { headShare: 0.4 });
      expect(textWidth(shown, 20)).toBeLessThanOrEqual(300);
      expect(textWidth(shown, 20)).toBeGreaterThan(280);
      const [head = '', tail = ''] = shown.split('…');
      expect(text.startsWith(head) && text.endsWith(tail)).toBe(true);
      expect(head.length / (head.length + tail.length)).toBeCloseTo(0.4, 1);
    }
  });

  it.each([
    'prod-db-1',
    'Memory usage 94.1% > 90% for 10m',
    '{"~@#$&*"} \\ | Qy_[]`^',
    '한빛-증권-3',
    '東京-上海-华龙',
    'Москва-узел',
    'Ελλάδα',
    'café naïve',
    'العربية',
    'ไทย-โหนด',
    '🚀-rocket',
  ])('agree with what is drawn: %s', (text) => {
    const options = { font: { fontFiles: FONT_FILES, loadSystemFonts: false, defaultFontFamily: FONT } };
    for (const bold of [false, true]) {
      // Bars on both sides: a bounding box leaves out the room around letters.
      const drawn = (content: string) =>
        new Resvg(
          `<svg xmlns="http://www.w3.org/2000/svg" width="4000" height="200" font-family="${FONT}" font-size="100">` +
            `<text y="100" font-weight="${bold ? 600 : 400}">|${escapeXml(content)}|</text></svg>`,
          options,
        ).getBBox()?.width ?? 0;
      const ratio = textWidth(text, 100, bold) / (drawn(text) - drawn(''));
      expect(ratio).toBeGreaterThan(0.98);
      expect(ratio).toBeLessThan(/^[ -~]*$/.test(text) ? 1.03 : 1.7);
    }
  });
});
