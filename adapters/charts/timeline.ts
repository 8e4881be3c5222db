import { scaleLinear } from 'd3-scale';
import type { Span, TimelineBar, TimelineGroup, TimelineSpec } from '../../core/chart/timeline.ts';
import { drawableTimeline } from './drawable.ts';
import { diamond, escapeXml, px, rect } from './elements.ts';
import { openSvg } from './opening.ts';
import { fitText, textWidth } from './text-width.ts';
import { LEFT, TEXT, THEMES, type Theme, WIDTH } from './theme.ts';

const RIGHT = WIDTH - 36;
const INDENT = 12;
const NAME_SPACE = 24;
const SHORTEST_NAME = 90;
const LONGEST_NAME = 370;
const VERSION_WIDTH = 44;
const VERSION_TEXT = 17;
const TOP = 100;
const RULE_HEIGHT = 38;
const MORE_HEIGHT = 30;
/** A lane has one bar, or two that are lower. */
const LANE_HEIGHT = 34;
const BAR_HEIGHT = 20;
const HALF_HEIGHT = 24;
const HALF_BAR = 17;
const LANE_SPACE = 8;
/** Times and legend stand below the lanes. */
const TIMES_HEIGHT = 52;
const LEGEND_HEIGHT = 40;
const MARK = 5.5;
/** So wide, a firing of a minute is seen in a month. */
const NARROWEST = 3;

interface Plot {
  spec: TimelineSpec;
  theme: Theme;
  /** Where names end, and time begins. */
  left: number;
  x: (ms: number) => number;
}

/** Renders the spec as SVG; its height grows with its lanes. */
export function renderTimelineSvg(asked: TimelineSpec): { svg: string; height: number } {
  const spec = drawableTimeline(asked);
  const theme = THEMES[spec.theme];
  const left = plotLeft(spec);
  const plot = { spec, theme, left, x: scaleLinear([spec.x.min, spec.x.max], [left, RIGHT]) };
  const parts: string[] = [];
  let y = TOP;
  for (const group of spec.groups) {
    const drawn = groupAt(group, y, plot);
    parts.push(drawn.svg);
    y = drawn.bottom;
  }
  if (spec.rest !== '') {
    parts.push(caption(LEFT, y + 26, spec.rest, theme.dim));
    y += RULE_HEIGHT;
  }
  const timesHeight = spec.groups.length > 0 ? TIMES_HEIGHT : 10;
  const legend = legendAt(spec, y + timesHeight + 18, theme);
  const height = Math.ceil(y + timesHeight + (legend === '' ? 0 : LEGEND_HEIGHT));
  const svg = [
    openSvg(spec, { height, edge: theme.history, definitions: unknownPattern(theme), theme }),
    ...parts,
    spec.groups.length > 0 ? timesAt(y + 24, plot) : '',
    legend,
    '</svg>',
  ].join('\n');
  return { svg, height };
}

/** The longest name decides where names end, within bounds. */
function plotLeft({ groups, versions }: TimelineSpec): number {
  const names = groups.flatMap(({ lanes }) => lanes.map(({ name }) => textWidth(name, TEXT)));
  const width = Math.min(LONGEST_NAME, Math.max(SHORTEST_NAME, ...names));
  return LEFT + INDENT + width + NAME_SPACE + (versions.length > 1 ? VERSION_WIDTH : 0);
}

function unknownPattern({ dim }: Theme): string {
  return `<pattern id="unknown" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="3" height="8" fill="${dim}" opacity="0.55"/></pattern>`;
}

/** Round times, where there is room. */
function timesAt(y: number, { spec, x, left, theme }: Plot): string {
  let free = left - 40;
  const labels = spec.x.ticks.map(({ at, label }) => {
    const half = textWidth(label, TEXT) / 2;
    if (x(at) - half < free || x(at) + half > WIDTH - 8) return '';
    free = x(at) + half + 14;
    return caption(x(at), y, label, theme.dim, { anchor: 'middle' });
  });
  return labels.join('');
}

function groupAt(group: TimelineGroup, top: number, plot: Plot): { svg: string; bottom: number } {
  const {
    theme,
    x,
    spec: { versions, x: axis },
  } = plot;
  const isDouble = versions.length > 1;
  let y = top + RULE_HEIGHT;
  const laneHeight = isDouble ? HALF_HEIGHT * versions.length + LANE_SPACE : LANE_HEIGHT;
  const bottom = y + group.lanes.length * laneHeight - LANE_SPACE;
  const grid = axis.ticks.map(({ at }) => `M${px(x(at))} ${y - 2}V${bottom + 2}`);
  const parts = [
    ruleLine(group, top + 27, theme),
    `<path d="${grid.join('')}" stroke="${theme.grid}" stroke-width="1.5"/>`,
  ];
  for (const { name, bars } of group.lanes) {
    const shown = fitText(name, TEXT, LONGEST_NAME, { headShare: 0.5 });
    parts.push(caption(LEFT + INDENT, y + (laneHeight - LANE_SPACE) / 2 + 7, shown, theme.text));
    for (const [i, bar] of bars.entries()) {
      const barTop = y + i * HALF_HEIGHT + (isDouble ? 0 : 3);
      const version = versions[i];
      if (version !== undefined) parts.push(versionAt(barTop, version, plot));
      parts.push(barAt(bar, barTop, isDouble ? HALF_BAR : BAR_HEIGHT, plot));
    }
    y += laneHeight;
  }
  if (group.omitted > 0) {
    parts.push(caption(LEFT + INDENT, y + 20, `and ${group.omitted} more`, theme.dim));
    y += MORE_HEIGHT;
  }
  return { svg: parts.join(''), bottom: y + LANE_SPACE };
}

/** The note follows the name; where both are long, each has half. */
function ruleLine({ name, note }: TimelineGroup, y: number, theme: Theme): string {
  const room = RIGHT - LEFT - 20;
  const noteWidth = textWidth(note, TEXT);
  const shownName = fitText(name, TEXT, Math.max(room / 2, room - noteWidth), { bold: true });
  const noteX = LEFT + textWidth(shownName, TEXT, true) + 20;
  return (
    caption(LEFT, y, shownName, theme.text, { bold: true }) +
    caption(noteX, y, fitText(note, TEXT, RIGHT - noteX), theme.dim)
  );
}

function versionAt(barTop: number, version: string, { left, theme }: Plot): string {
  return `<text x="${px(left - 12)}" y="${px(barTop + 14)}" font-size="${VERSION_TEXT}" text-anchor="end" fill="${theme.dim}">${escapeXml(version)}</text>`;
}

function barAt(bar: TimelineBar, top: number, height: number, { theme, left: start, x }: Plot): string {
  const boxes = (spans: readonly Span[], draw: (left: number, width: number) => string) =>
    spans.map(({ fromMs, toMs }) => {
      const width = Math.max(NARROWEST, x(toMs) - x(fromMs));
      return draw(Math.min(x(fromMs), RIGHT - width), width);
    });
  return [
    rect(start, top, RIGHT - start, height, theme.grid, 0.45),
    ...boxes(bar.unknown, (left, width) => unknownAt(left, top, width, height)),
    ...boxes(bar.pending, (left, width) => rect(left, top, width, height, theme.pending, 1)),
    ...boxes(bar.unsent, (left, width) => unsentAt(left, top, width, height, theme)),
    ...boxes(bar.firing, (left, width) => rect(left, top, width, height, theme.firing, 1)),
    // On the edge, so that a short firing is still seen.
    ...bar.messagesMs.map((ms) => diamond(x(ms), top + height, MARK, theme.text, theme.background)),
  ].join('');
}

function unknownAt(left: number, top: number, width: number, height: number): string {
  return `<rect x="${px(left)}" y="${px(top)}" width="${px(width)}" height="${px(height)}" fill="url(#unknown)"/>`;
}

/** A frame: it fires, and nobody hears of it. */
function unsentAt(left: number, top: number, width: number, height: number, theme: Theme): string {
  const inner = Math.max(1, width - 2);
  return (
    rect(left, top, width, height, theme.background, 1) +
    rect(left, top, width, height, theme.firing, 0.25) +
    `<rect x="${px(left + 1)}" y="${px(top + 1)}" width="${px(inner)}" height="${px(height - 2)}" fill="none" stroke="${theme.firing}" stroke-width="2"/>`
  );
}

/** Explains only what the picture has. */
function legendAt({ groups }: TimelineSpec, y: number, theme: Theme): string {
  const bars = groups.flatMap(({ lanes }) => lanes.flatMap((lane) => lane.bars));
  const [top, size] = [y - 15, 18];
  const entries: [keyof TimelineBar, string, (left: number) => string][] = [
    ['pending', 'pending', (left) => rect(left, top, size, size, theme.pending, 1)],
    ['firing', 'firing', (left) => rect(left, top, size, size, theme.firing, 1)],
    ['unsent', 'firing, sent to nobody', (left) => unsentAt(left, top, size, size, theme)],
    ['unknown', 'unknown: no samples', (left) => unknownAt(left, top, size, size)],
    ['messagesMs', 'message', (left) => diamond(left + 9, y - 6, MARK, theme.text, theme.background)],
  ];
  let left = LEFT;
  const drawn = entries
    .filter(([kind]) => bars.some((bar) => bar[kind].length > 0))
    .map(([, name, swatch]) => {
      const entry = swatch(left) + caption(left + 26, y, name, theme.text);
      left += 26 + textWidth(name, TEXT) + 26;
      return entry;
    });
  return drawn.join('');
}

function caption(
  x: number,
  y: number,
  content: string,
  color: string,
  { anchor = 'start', bold = false }: { anchor?: 'start' | 'middle'; bold?: boolean } = {},
): string {
  return `<text x="${px(x)}" y="${px(y)}"${bold ? ' font-weight="600"' : ''} text-anchor="${anchor}" fill="${color}">${escapeXml(content)}</text>`;
}
