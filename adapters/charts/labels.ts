import type { Bound } from '../../core/chart/bounds.ts';
import { px, words } from './elements.ts';
import type { Frame } from './frame.ts';
import { textWidth } from './text-width.ts';
import { TEXT } from './theme.ts';

/** What a word covers: from `top` to `bottom`, around its base line. */
interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

const ASCENT = 18;
const DESCENT = 6;

/** Lines of thresholds and recovery, each with its words where they cover no others. */
export function renderBounds(frame: Frame): string {
  const { spec, theme, left, right, top, bottom, y } = frame;
  const taken: Box[] = [];
  const drawn = spec.bounds.map((bound) => {
    const at = y(bound.value);
    if (at < top - 1 || at > bottom + 1) return '';
    const threshold = bound.kind === 'threshold';
    const color = threshold ? theme.firing : theme.resolved;
    const label = placeLabel(bound, at, frame, taken);
    return (
      `<path d="M${px(left)} ${px(at)}H${right}" stroke="${color}" stroke-width="${threshold ? 2.5 : 2}" stroke-dasharray="${threshold ? '14 9' : '4 8'}"/>` +
      words(label.x, label.y, bound.label, color, 'start', theme)
    );
  });
  return drawn.join('');
}

/** At the left end, else beside what stands there, else on the other side of the line. */
function placeLabel(bound: Bound, at: number, frame: Frame, taken: Box[]): { x: number; y: number } {
  const width = textWidth(bound.label, TEXT, true);
  const sides = [at - 8, at + 24];
  if (bound.labelSide === 'under') sides.reverse();
  const fits = (y: number) => y - ASCENT > frame.top - 12 && y + DESCENT < frame.bottom + 4;
  const beside = Math.max(frame.left, ...taken.map((box) => box.right + 8));
  const places = sides.filter(fits).flatMap((y) => [frame.left + 8, beside + 8].map((x) => ({ x, y })));
  const boxAt = ({ x, y }: { x: number; y: number }) => ({
    left: x,
    right: x + width,
    top: y - ASCENT,
    bottom: y + DESCENT,
  });
  const place = places.find((candidate) => !taken.some((box) => overlap(box, boxAt(candidate)))) ??
    places[0] ?? { x: frame.left + 8, y: at - 8 };
  taken.push(boxAt(place));
  return place;
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/** The firing region's words: in the region where they fit, else on the side that has room; where least is drawn. */
export function renderFiringLabel(frame: Frame): string {
  const { spec, theme, left, right, top, bottom, x } = frame;
  const { firing } = spec;
  if (!firing) return '';
  const [from, to] = [x(firing.fromMs), x(firing.toMs)];
  const width = textWidth(firing.label, TEXT, true);
  const center =
    to - from > width + 16
      ? (from + to) / 2
      : from - left > right - to
        ? from - width / 2 - 12
        : to + width / 2 + 12;
  const at = Math.min(right - width / 2 - 4, Math.max(left + width / 2 + 4, center));
  const boxAt = (y: number): Box => ({
    left: at - width / 2 - 8,
    right: at + width / 2 + 8,
    top: y - ASCENT - 6,
    bottom: y + DESCENT + 4,
  });
  const [first, ...others] = [bottom - 16, top + 30, (top + bottom) / 2 + 8].map((y) => ({
    y,
    drawn: drawnIn(boxAt(y), frame),
  }));
  if (!first) return '';
  const best = others.reduce((least, place) => (place.drawn < least.drawn ? place : least), first);
  return words(at, best.y, firing.label, theme[spec.status], 'middle', theme);
}

/** How much of lines and bounds a box would cover: points in it, and what a bound across it is worth. */
function drawnIn(box: Box, { spec, x, y }: Frame): number {
  const inside = (px: number, py: number) =>
    px >= box.left && px <= box.right && py >= box.top && py <= box.bottom;
  let count = 0;
  for (const { segments, breaching } of spec.lines) {
    for (const point of segments.flat()) {
      if (inside(x(point.timeMs), y(point.value))) count += breaching ? 3 : 1;
    }
  }
  const crossing = spec.bounds.filter((bound) => inside(box.left, y(bound.value)));
  return count + crossing.length * 10;
}
