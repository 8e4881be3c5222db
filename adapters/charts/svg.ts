import type { ChartSpec } from '../../core/chart/spec.ts';
import { drawableSpec } from './drawable.ts';
import { escapeXml, px, rect } from './elements.ts';
import { type Frame, frameOf } from './frame.ts';
import { renderFiringLabel, renderThresholdLines } from './labels.ts';
import { layLegend, ROW_HEIGHT, renderLegend } from './legend.ts';
import { renderDots, renderFiringMarks, renderLines } from './lines.ts';
import { openSvg } from './opening.ts';
import { textWidth } from './text-width.ts';
import { HEIGHT, TEXT, THEMES, type Theme, WIDTH } from './theme.ts';

/** Renders the spec as SVG; decides only positions and colours. */
export function renderSvg(asked: ChartSpec): string {
  const spec = drawableSpec(asked);
  const theme = THEMES[spec.theme];
  const legend = layLegend(spec, theme);
  const frame = frameOf(spec, (legend.rows.length - 1) * ROW_HEIGHT);
  const { left, right, top, bottom } = frame;
  return [
    openSvg(spec, { height: HEIGHT, edge: theme[spec.status], definitions: areaGradient(theme), theme }),
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

function areaGradient({ breaching: [color] }: Theme): string {
  return `<linearGradient id="area" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${color}" stop-opacity="0.30"/><stop offset="1" stop-color="${color}" stop-opacity="0"/></linearGradient>`;
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
