import { curveLinear, curveStepAfter, line } from 'd3-shape';
import type { ChartLine } from '../../core/chart/spec.ts';
import type { Point } from '../../core/model/sample.ts';
import { crossingsOf, stretchesOf } from './coincidence.ts';
import { circle, diamond, px } from './elements.ts';
import type { Frame } from './frame.ts';
import { strokeOf } from './strokes.ts';

/** Nobody could tell more points of a line apart; the least and greatest of each step are kept. */
const MOST_POINTS = 1_000;
const BREACHING_WIDTH = 5;
const WIDTH = 2.5;
/** Coinciding lines take turns: each shows this many pixels. */
const TURN = 16;
const DOT = 8;
/** Dots side by side at most; further coinciding dots are not drawn. */
const MOST_DOTS = 4;

/** The series, the first in front; a gap in the data is a gap in the line. The first that breaches has its area filled. */
export function renderLines({ spec, theme, x, y, bottom }: Frame): string {
  const path = line<Point>(
    (point) => x(point.timeMs),
    (point) => y(point.value),
  )
    .digits(1)
    .curve(spec.stepped ? curveStepAfter : curveLinear);
  const lines = spec.lines.map((item) => ({ ...item, segments: item.segments.map(thin) }));
  const crossings = crossingsOf(lines, y);
  const drawn = lines.map((item, i) => {
    const { color, dashes } = strokeOf(spec.lines, i, theme);
    const width = item.breaching ? BREACHING_WIDTH : WIDTH;
    const filled = i === 0 && item.breaching && !spec.stepped;
    const areas = filled ? item.segments.map((s) => areaUnder(path(s) ?? '', s, x, bottom)) : [];
    const rest = `fill="none" stroke="${color}" stroke-width="${width}" stroke-linejoin="round"${item.breaching ? '' : ' opacity="0.85"'}`;
    const strokes = item.segments.flatMap((segment) => {
      const [only] = segment;
      if (segment.length === 1 && only) return circle(x(only.timeMs), y(only.value), width * 0.7, color);
      return stretchesOf(segment, i, crossings).map(({ points, share, position }) => {
        const turns = `stroke-dasharray="${TURN} ${TURN * (share - 1)}" stroke-dashoffset="${-TURN * position}"`;
        const alone = `stroke-linecap="round"${dashes ? ` stroke-dasharray="${dashes}"` : ''}`;
        return `<path d="${path(points) ?? ''}" ${rest} ${share > 1 ? turns : alone}/>`;
      });
    });
    return [...areas, ...strokes].join('');
  });
  return drawn.reverse().join('');
}

/** Marks the newest value of each breaching series; dots that would hide one another stand side by side. */
export function renderDots({ spec, theme, x, y }: Frame): string {
  const taken: { x: number; y: number }[] = [];
  const dots = spec.lines.map((item, i) => {
    const last = item.segments.at(-1)?.at(-1);
    if (!item.breaching || !last) return '';
    const at = { x: x(last.timeMs), y: y(last.value) };
    const end = at.x;
    while (taken.some((dot) => Math.hypot(dot.x - at.x, dot.y - at.y) < DOT)) at.x -= 2 * DOT;
    if (end - at.x >= MOST_DOTS * 2 * DOT) return '';
    taken.push(at);
    return circle(at.x, at.y, DOT, strokeOf(spec.lines, i, theme).color, theme.background);
  });
  return dots.reverse().join('');
}

/** Marks on each line of several when its alert fired; a hollow mark shows when it ended. */
export function renderFiringMarks({ spec, theme, x, y, left, top, bottom }: Frame): string {
  const marks = spec.lines.map((item, i) => {
    const { color } = strokeOf(spec.lines, i, theme);
    const markAt = (ms: number | undefined, fill: string, rim: string) => {
      const at = ms === undefined ? undefined : pointAt(item, ms);
      if (!at || x(at.timeMs) < left) return '';
      const mark = x(at.timeMs);
      return (
        `<path d="M${px(mark)} ${top}V${bottom}" stroke="${color}" stroke-width="1.5" opacity="0.6"/>` +
        diamond(mark, y(at.value), 9, fill, rim)
      );
    };
    return markAt(item.firedAtMs, color, theme.background) + markAt(item.endedAtMs, theme.background, color);
  });
  return marks.reverse().join('');
}

/** The line at that time: its newest point by then. */
function pointAt({ segments }: ChartLine, ms: number): Point | undefined {
  const found = segments.flat().findLast(({ timeMs }) => timeMs <= ms);
  return found && { timeMs: ms, value: found.value };
}

function areaUnder(d: string, segment: readonly Point[], x: Frame['x'], bottom: number): string {
  const [first, last] = [segment[0], segment.at(-1)];
  if (!first || !last || segment.length < 2) return '';
  return `<path d="${d}L${px(x(last.timeMs))} ${bottom}L${px(x(first.timeMs))} ${bottom}Z" fill="url(#area)"/>`;
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
