import { scaleLinear } from 'd3-scale';
import { curveLinear, curveStepAfter, line } from 'd3-shape';
import type { ChartLine, ChartSpec } from '../../core/chart/spec.ts';
import type { Point } from '../../core/model.ts';
import { renderLegend } from './legend.ts';
import { fitText, textWidth } from './text-width.ts';
import { BREACHING, COLORS, FONT, HEIGHT, NEIGHBOURS, TEXT, WIDTH } from './theme.ts';

const PLOT = { top: 100, bottom: 412, right: WIDTH - 30 };
const BAR = 8;
const LEFT = 24;
/** More points than this in a line would not be seen apart; the least and greatest of each step are kept. */
const MOST_POINTS = 1_000;

interface Frame {
  spec: ChartSpec;
  left: number;
  x: (ms: number) => number;
  y: (value: number) => number;
}

export function renderSvg(spec: ChartSpec): string {
  const labels = Math.max(...spec.y.ticks.map((tick) => textWidth(tick.label, TEXT)), 40);
  const left = LEFT + labels + 12;
  const x = scaleLinear([spec.x.min, spec.x.max], [left, PLOT.right]);
  const y = scaleLinear([spec.y.min, spec.y.max], [PLOT.bottom, PLOT.top]);
  const frame: Frame = { spec, left, x, y };
  const accent = COLORS[spec.status];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="${FONT}, DejaVu Sans, Noto Sans Thai, Noto Sans Devanagari" font-size="${TEXT}">`,
    gradient(accent),
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="${COLORS.background}"/>`,
    `<rect width="${BAR}" height="${HEIGHT}" fill="${accent}"/>`,
    heading(spec),
    bands(frame),
    axes(frame),
    `<clipPath id="plot"><rect x="${px(left)}" y="${PLOT.top - 4}" width="${px(PLOT.right - left)}" height="${PLOT.bottom - PLOT.top + 8}"/></clipPath>`,
    `<g clip-path="url(#plot)">${lines(frame)}</g>`,
    bounds(frame),
    dots(frame),
    renderLegend(
      spec.lines.map((item, i) => ({ ...item, color: colorOf(spec.lines, i) })),
      HEIGHT - 22,
      LEFT,
    ),
    '</svg>',
  ].join('\n');
}

function gradient(color: string): string {
  return `<defs><linearGradient id="area" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${color}" stop-opacity="0.30"/><stop offset="1" stop-color="${color}" stop-opacity="0"/></linearGradient></defs>`;
}

function heading(spec: ChartSpec): string {
  const room = WIDTH - LEFT - 30;
  const title = fitText(spec.title, 29, room, true);
  const subtitle = fitText(spec.subtitle, TEXT, room);
  return [
    `<text x="${LEFT}" y="44" font-size="29" font-weight="600" fill="${COLORS.text}">${escapeXml(title)}</text>`,
    `<text x="${LEFT}" y="76" fill="${COLORS.dim}">${escapeXml(subtitle)}</text>`,
  ].join('');
}

/** Where values breach (across) and when it was pending and firing (along). */
function bands({ spec, left, x, y }: Frame): string {
  const across = spec.bands.map(({ from, to }) =>
    rect(left, y(to), PLOT.right - left, y(from) - y(to), COLORS.firing, 0.13),
  );
  const { pending, firing } = spec;
  const accent = COLORS[spec.status];
  const along: string[] = [];
  if (pending && pending.toMs > pending.fromMs) {
    along.push(
      rect(
        x(pending.fromMs),
        PLOT.top,
        x(pending.toMs) - x(pending.fromMs),
        PLOT.bottom - PLOT.top,
        COLORS.pending,
        0.1,
      ),
    );
  }
  if (firing) {
    const [from, to] = [x(firing.fromMs), x(firing.toMs)];
    along.push(rect(from, PLOT.top, Math.max(0, to - from), PLOT.bottom - PLOT.top, COLORS.firing, 0.2));
    along.push(
      `<path d="M${px(from)} ${PLOT.top}V${PLOT.bottom}" stroke="${COLORS.firing}" stroke-width="2"/>`,
    );
    if (spec.status === 'resolved') {
      along.push(`<path d="M${px(to)} ${PLOT.top}V${PLOT.bottom}" stroke="${accent}" stroke-width="2"/>`);
    }
  }
  return [...across, ...along].join('');
}

/** The firing region's words: in the region where they fit, else on the side that has room. */
function firingLabel({ spec, left, x }: Frame): string {
  const { firing } = spec;
  if (!firing) return '';
  const [from, to] = [x(firing.fromMs), x(firing.toMs)];
  const width = textWidth(firing.label, TEXT, true);
  const middle = (from + to) / 2;
  const inside = to - from > width + 16;
  const center = inside
    ? middle
    : from - left > PLOT.right - to
      ? from - width / 2 - 12
      : to + width / 2 + 12;
  const at = Math.min(PLOT.right - width / 2 - 4, Math.max(left + width / 2 + 4, center));
  return text(at, PLOT.bottom - 16, firing.label, COLORS[spec.status], 'middle');
}

function axes({ spec, left, x, y }: Frame): string {
  const rows = spec.y.ticks.map(
    ({ at, label }) =>
      `<path d="M${px(left)} ${px(y(at))}H${PLOT.right}" stroke="${COLORS.grid}" stroke-width="1.5"/>` +
      `<text x="${px(left - 10)}" y="${px(y(at) + 7)}" text-anchor="end" fill="${COLORS.dim}">${escapeXml(label)}</text>`,
  );
  let free = left - 30;
  const columns = spec.x.ticks.map(({ at, label }) => {
    const width = textWidth(label, TEXT);
    const from = x(at) - width / 2;
    if (from < free || x(at) + width / 2 > WIDTH - 8) return '';
    free = x(at) + width / 2 + 14;
    return `<text x="${px(x(at))}" y="${PLOT.bottom + 29}" text-anchor="middle" fill="${COLORS.dim}">${escapeXml(label)}</text>`;
  });
  return [...rows, ...columns].join('');
}

function lines({ spec, x, y }: Frame): string {
  const path = line<Point>(
    (point) => x(point.timeMs),
    (point) => y(point.value),
  )
    .digits(1)
    .curve(spec.stepped ? curveStepAfter : curveLinear);
  // The first stands in front.
  return spec.lines
    .map((item, i) => ({ item, color: colorOf(spec.lines, i), filled: i === 0 && item.breaching }))
    .reverse()
    .map(({ item, color, filled }) => {
      const width = item.breaching ? 5 : 2.5;
      const shown = item.segments.map((segment) => thin(segment));
      const area = filled && !spec.stepped ? shown.map((s) => areaUnder(path(s) ?? '', s, x)).join('') : '';
      const strokes = shown.map((segment) => {
        const [only] = segment;
        if (segment.length === 1 && only) return circle(x(only.timeMs), y(only.value), width * 0.7, color);
        return `<path d="${path(segment) ?? ''}" fill="none" stroke="${color}" stroke-width="${width}" stroke-linejoin="round" stroke-linecap="round"${item.breaching ? '' : ' opacity="0.85"'}/>`;
      });
      return area + strokes.join('');
    })
    .join('');
}

function areaUnder(d: string, segment: readonly Point[], x: Frame['x']): string {
  const [first, last] = [segment[0], segment.at(-1)];
  if (!first || !last || segment.length < 2) return '';
  return `<path d="${d}L${px(x(last.timeMs))} ${PLOT.bottom}L${px(x(first.timeMs))} ${PLOT.bottom}Z" fill="url(#area)"/>`;
}

function bounds(frame: Frame): string {
  const { spec, left, y } = frame;
  const drawn = spec.bounds.map(({ value, label, kind, labelSide }) => {
    const at = y(value);
    if (at < PLOT.top - 1 || at > PLOT.bottom + 1) return '';
    const color = kind === 'threshold' ? COLORS.firing : COLORS.resolved;
    const dash = kind === 'threshold' ? '14 9' : '4 8';
    const over = labelSide === 'over' ? at - 28 > PLOT.top - 12 : at + 30 > PLOT.bottom;
    return (
      `<path d="M${px(left)} ${px(at)}H${PLOT.right}" stroke="${color}" stroke-width="${kind === 'threshold' ? 2.5 : 2}" stroke-dasharray="${dash}"/>` +
      text(left + 8, over ? at - 8 : at + 24, label, color, 'start')
    );
  });
  return drawn.join('') + firingLabel(frame);
}

/** Where each breaching series stands now. */
function dots({ spec, x, y }: Frame): string {
  return spec.lines
    .map((item, i) => {
      const last = item.segments.at(-1)?.at(-1);
      if (!item.breaching || !last) return '';
      return circle(x(last.timeMs), y(last.value), 8, colorOf(spec.lines, i), COLORS.background);
    })
    .reverse()
    .join('');
}

function colorOf(all: readonly ChartLine[], index: number): string {
  const breaching = all[index]?.breaching === true;
  const palette = breaching ? BREACHING : NEIGHBOURS;
  const before = all.slice(0, index).filter((item) => item.breaching === breaching).length;
  return palette[before % palette.length] ?? COLORS.dim;
}

/** Keeps first, least, greatest and last of each step. */
function thin(segment: readonly Point[]): readonly Point[] {
  if (segment.length <= MOST_POINTS) return segment;
  const step = Math.ceil(segment.length / (MOST_POINTS / 4));
  const kept = new Set<Point>();
  for (let i = 0; i < segment.length; i += step) {
    const part = segment.slice(i, i + step);
    const sorted = [...part].sort((a, b) => a.value - b.value);
    for (const point of [part[0], sorted[0], sorted.at(-1), part.at(-1)]) if (point) kept.add(point);
  }
  return segment.filter((point) => kept.has(point));
}

function text(x: number, y: number, content: string, color: string, anchor: 'start' | 'middle'): string {
  // A dark rim keeps words readable where a line crosses them.
  return `<text x="${px(x)}" y="${px(y)}" font-weight="600" text-anchor="${anchor}" fill="${color}" stroke="${COLORS.background}" stroke-width="5" stroke-linejoin="round" paint-order="stroke">${escapeXml(content)}</text>`;
}

function rect(x: number, y: number, width: number, height: number, color: string, opacity: number): string {
  return `<rect x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}" fill="${color}" opacity="${opacity}"/>`;
}

function circle(x: number, y: number, radius: number, color: string, rim?: string): string {
  const stroke = rim === undefined ? '' : ` stroke="${rim}" stroke-width="3.5"`;
  return `<circle cx="${px(x)}" cy="${px(y)}" r="${px(radius)}" fill="${color}"${stroke}/>`;
}

function px(value: number): number {
  return Math.round(value * 10) / 10;
}

/** XML 1.0 text: markup escaped, characters that XML cannot hold replaced. */
export function escapeXml(content: string): string {
  return content
    .toWellFormed()
    .replace(/[\p{Cc}\p{Noncharacter_Code_Point}]/gu, (char) => (/\s/.test(char) ? ' ' : '\ufffd'))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
