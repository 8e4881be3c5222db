import { curveLinear, curveStepAfter, line } from 'd3-shape';
import type { Point } from '../../core/model.ts';
import { circle, px } from './elements.ts';
import type { Frame } from './frame.ts';
import { strokeOf } from './strokes.ts';

/** More points than this in a line would not be seen apart; the least and greatest of each step are kept. */
const MOST_POINTS = 1_000;

/** The series, the first in front; a gap in the data is a gap in the line. The first that breaches has its area filled. */
export function renderLines({ spec, theme, x, y, bottom }: Frame): string {
  const path = line<Point>(
    (point) => x(point.timeMs),
    (point) => y(point.value),
  )
    .digits(1)
    .curve(spec.stepped ? curveStepAfter : curveLinear);
  const drawn = spec.lines.map((item, i) => {
    const { color, dashes } = strokeOf(spec.lines, i, theme);
    const width = item.breaching ? 5 : 2.5;
    const shown = item.segments.map(thin);
    const filled = i === 0 && item.breaching && !spec.stepped;
    const areas = filled ? shown.map((s) => areaUnder(path(s) ?? '', s, x, bottom)) : [];
    const strokes = shown.map((segment) => {
      const [only] = segment;
      if (segment.length === 1 && only) return circle(x(only.timeMs), y(only.value), width * 0.7, color);
      return `<path d="${path(segment) ?? ''}" fill="none" stroke="${color}" stroke-width="${width}" stroke-linejoin="round" stroke-linecap="round"${item.breaching ? '' : ' opacity="0.85"'}${dashes ? ` stroke-dasharray="${dashes}"` : ''}/>`;
    });
    return [...areas, ...strokes].join('');
  });
  return drawn.reverse().join('');
}

/** Where each breaching series stands now. */
export function renderDots({ spec, theme, x, y }: Frame): string {
  const dots = spec.lines.map((item, i) => {
    const last = item.segments.at(-1)?.at(-1);
    if (!item.breaching || !last) return '';
    return circle(x(last.timeMs), y(last.value), 8, strokeOf(spec.lines, i, theme).color, theme.background);
  });
  return dots.reverse().join('');
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
