import type { ChartSpec } from '../../core/chart/spec.ts';
import { drawableSpec } from './drawable.ts';
import { escapeXml, px, rect } from './elements.ts';
import { type Frame, frameOf } from './frame.ts';
import { renderFiringLabel, renderThresholdLines } from './labels.ts';
import { layLegend, ROW_HEIGHT, renderLegend } from './legend.ts';
import { renderDots, renderFiringMarks, renderLines } from './lines.ts';
import { fitText, textWidth } from './text-width.ts';
import { FALLBACK_FONTS, FONT, HEIGHT, LEFT, TEXT, THEMES, type Theme, WIDTH } from './theme.ts';

const BAR = 8;
const TITLE = 29;

/** Renders the spec as SVG; decides only positions and colours. */
export function renderSvg(asked: ChartSpec): string {
  const spec = drawableSpec(asked);
  const theme = THEMES[spec.theme];
  const legend = layLegend(spec, theme);
  const frame = frameOf(spec, (legend.rows.length - 1) * ROW_HEIGHT);
  const { left, right, top, bottom } = frame;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="${[FONT, ...FALLBACK_FONTS].join(', ')}" font-size="${TEXT}">`,
    `<defs><linearGradient id="area" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${theme.breaching[0]}" stop-opacity="0.30"/><stop offset="1" stop-color="${theme.breaching[0]}" stop-opacity="0"/></linearGradient></defs>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="${theme.background}"/>`,
    `<rect width="${BAR}" height="${HEIGHT}" fill="${theme[spec.status]}"/>`,
    heading(spec, theme),
    regions(frame),
    axes(frame),
    `<clipPath id="plot"><rect x="${px(left)}" y="${top - 4}" width="${px(right - left)}" height="${bottom - top + 8}"/></clipPath>`,
    `<g clip-path="url(#plot)">${renderLines(frame)}</g>`,
    spec.lines.some(({ segments }) => segments.length > 0) ? '' : emptiness(frame),
    renderThresholdLines(frame),
    renderFiringMarks(frame),
    renderFiringLabel(frame),
    renderDots(frame),
    renderLegend(legend, HEIGHT - 22, theme),
    '</svg>',
  ].join('\n');
}

function heading(spec: ChartSpec, theme: Theme): string {
  const room = WIDTH - LEFT - 30;
  const title = fitText(spec.title, TITLE, room, { bold: true });
  const subtitle = fitText(spec.subtitle, TEXT, room);
  return (
    `<text x="${LEFT}" y="44" font-size="${TITLE}" font-weight="600" fill="${theme.text}">${escapeXml(title)}</text>` +
    `<text x="${LEFT}" y="76" fill="${theme.dim}">${escapeXml(subtitle)}</text>`
  );
}

/** Shades where values breach (across), and when the alert was pending and firing (along). */
function regions({ spec, theme, left, right, top, bottom, x, y }: Frame): string {
  const across = spec.bands.map(({ from, to }) =>
    rect(left, y(to), right - left, y(from) - y(to), theme.firing, 0.13 * theme.wash),
  );
  const along = (from: number, to: number, color: string, opacity: number) =>
    to > from ? rect(x(from), top, x(to) - x(from), bottom - top, color, opacity * theme.wash) : '';
  const edge = (ms: number, color: string) =>
    `<path d="M${px(x(ms))} ${top}V${bottom}" stroke="${color}" stroke-width="2"/>`;
  const { pending, firing } = spec;
  return [
    ...across,
    pending ? along(pending.fromMs, pending.toMs, theme.pending, 0.1) : '',
    firing ? along(firing.fromMs, firing.toMs, theme.firing, 0.2) + edge(firing.fromMs, theme.firing) : '',
    firing && spec.status === 'resolved' ? edge(firing.toMs, theme.resolved) : '',
  ].join('');
}

function axes({ spec, theme, left, right, bottom, x, y }: Frame): string {
  const rows = spec.y.ticks.map(
    ({ at, label }) =>
      `<path d="M${px(left)} ${px(y(at))}H${right}" stroke="${theme.grid}" stroke-width="1.5"/>` +
      `<text x="${px(left - 10)}" y="${px(y(at) + 7)}" text-anchor="end" fill="${theme.dim}">${escapeXml(label)}</text>`,
  );
  let free = left - 30;
  const columns = spec.x.ticks.map(({ at, label }) => {
    const width = textWidth(label, TEXT);
    if (x(at) - width / 2 < free || x(at) + width / 2 > WIDTH - 8) return '';
    free = x(at) + width / 2 + 14;
    return `<text x="${px(x(at))}" y="${bottom + 29}" text-anchor="middle" fill="${theme.dim}">${escapeXml(label)}</text>`;
  });
  return [...rows, ...columns].join('');
}

function emptiness({ theme, left, right, top, bottom }: Frame): string {
  const [x, y] = [(left + right) / 2, (top + bottom) / 2 - 40];
  return `<text x="${px(x)}" y="${px(y)}" text-anchor="middle" fill="${theme.dim}">no samples in this time</text>`;
}
