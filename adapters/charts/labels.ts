import type { Bound } from '../../core/chart/bounds.ts';
import { px, words } from './elements.ts';
import { type Frame, fitsRegion } from './frame.ts';
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
/** Base lines of a word over and under a line, from that line. */
const OVER = -9;
const UNDER = 25;
/** Between words, and between words and strokes. */
const GAP = 8;
/** Places along a line at which its words may stand. */
const PLACES = 8;
/**
 * What it costs a word to stand at a place: on other words, on a line of a bound, on a point of a series, on a stroke between
 * two (as on so many points), far off.
 */
const COSTS = { words: 1_000, bound: 40, breaching: 3, neighbour: 1, crossing: 5, side: 4, step: 1 };

/** Lines of thresholds and recovery, each with its words where they cover least; a line stops before words. */
export function renderBounds(frame: Frame): string {
  const { spec, theme, left, right, top, bottom, y } = frame;
  const bounds = spec.bounds
    .map((bound) => ({
      bound,
      at: y(bound.value),
      color: theme[bound.kind === 'threshold' ? 'firing' : 'resolved'],
    }))
    .filter(({ at }) => at >= top - 1 && at <= bottom + 1);
  const taken: Box[] = [];
  const labels = bounds.map(({ bound, at, color }) => {
    const place = placeLabel(bound, at, frame, taken);
    return words(place.left, place.bottom - DESCENT, bound.label, color, 'start', theme);
  });
  const lines = bounds.map(({ bound, at, color }) => {
    const threshold = bound.kind === 'threshold';
    const d = partsBeside(taken, at, left, right).map(([from, to]) => `M${px(from)} ${px(at)}H${px(to)}`);
    return `<path d="${d.join('')}" stroke="${color}" stroke-width="${threshold ? 2.5 : 2}" stroke-dasharray="${threshold ? '14 9' : '4 8'}"/>`;
  });
  return [...lines, ...labels].join('');
}

/** The parts of a line from `left` to `right` that no words cover. */
function partsBeside(taken: readonly Box[], at: number, left: number, right: number): [number, number][] {
  const crossed = taken.filter((box) => box.top < at && at < box.bottom).sort((a, b) => a.left - b.left);
  const parts: [number, number][] = [];
  let from = left;
  for (const box of crossed) {
    if (box.left - 4 > from) parts.push([from, box.left - 4]);
    from = Math.max(from, box.right + 4);
  }
  if (from < right) parts.push([from, right]);
  return parts;
}

function placeLabel(bound: Bound, at: number, frame: Frame, taken: Box[]): Box {
  const width = textWidth(bound.label, TEXT, true);
  const sides = bound.labelSide === 'under' ? [UNDER, OVER] : [OVER, UNDER];
  const step = (frame.right - frame.left - width - 16) / (PLACES - 1);
  let best: { box: Box; cost: number } | undefined;
  for (const [side, offset] of sides.entries()) {
    for (let n = 0; n < PLACES; n++) {
      const x = frame.left + 8 + n * step;
      const base = at + offset;
      const box = { left: x, right: x + width, top: base - ASCENT, bottom: base + DESCENT };
      const outside = box.top < frame.top - 12 || box.bottom > frame.bottom + 4;
      const crowded = taken.filter((other) => overlap(other, box)).length * COSTS.words;
      const cost =
        (outside ? COSTS.words * 2 : 0) +
        crowded +
        coveredIn(box, frame) +
        side * COSTS.side +
        n * COSTS.step;
      if (!best || cost < best.cost) best = { box, cost };
    }
  }
  const { box } = best ?? { box: { left: 0, right: 0, top: 0, bottom: 0 } };
  taken.push(box);
  return box;
}

function overlap(a: Box, b: Box): boolean {
  return a.left - GAP < b.right && b.left - GAP < a.right && a.top < b.bottom && b.top < a.bottom;
}

/**
 * The firing region's words: in the region, where least is drawn; over the plot where the region is too narrow for them,
 * since beside it they would be read as words on what is there.
 */
export function renderFiringLabel(frame: Frame): string {
  const { spec, theme, left, right, top, bottom, x } = frame;
  const { firing } = spec;
  if (!firing) return '';
  const [from, to] = [x(firing.fromMs), x(firing.toMs)];
  const width = textWidth(firing.label, TEXT, true);
  const center = Math.min(right - width / 2, Math.max(left + width / 2, (from + to) / 2));
  const color = theme[spec.status];
  if (!fitsRegion(spec, x)) {
    return (
      `<path d="M${px(from)} ${top - 7}V${top}" stroke="${theme.firing}" stroke-width="2"/>` +
      words(center, top - 12, firing.label, color, 'middle', theme)
    );
  }
  const boxAt = (y: number) => ({
    left: center - width / 2 - 8,
    right: center + width / 2 + 8,
    top: y - ASCENT - 6,
    bottom: y + DESCENT + 4,
  });
  const places = [bottom - 16, top + 30, (top + bottom) / 2 + 8].map((y) => ({
    y,
    covered: coveredIn(boxAt(y), frame),
  }));
  const best = places.reduce((least, place) => (place.covered < least.covered ? place : least));
  return words(center, best.y, firing.label, color, 'middle', theme);
}

interface At {
  x: number;
  y: number;
}

/** Whether the stroke from one point to the next goes through a box, from whatever side. */
function crosses(from: At, to: At, word: Box): boolean {
  const box = { ...word, left: word.left - GAP, right: word.right + GAP };
  if (Math.max(from.x, to.x) < box.left || Math.min(from.x, to.x) > box.right) return false;
  if (Math.max(from.y, to.y) < box.top || Math.min(from.y, to.y) > box.bottom) return false;
  // The corners lie on both sides of it.
  const side = (x: number, y: number) =>
    Math.sign((to.x - from.x) * (y - from.y) - (to.y - from.y) * (x - from.x));
  const { left, right, top, bottom } = box;
  const sides = [side(left, top), side(right, top), side(left, bottom), side(right, bottom)];
  return new Set(sides).size > 1;
}

/** What words in a box would cover: points and strokes of series, and bounds across it. */
function coveredIn(box: Box, { spec, x, y }: Frame): number {
  const inside = (px: number, py: number) =>
    px >= box.left && px <= box.right && py >= box.top && py <= box.bottom;
  let cost = 0;
  for (const { segments, breaching } of spec.lines) {
    const each = breaching ? COSTS.breaching : COSTS.neighbour;
    for (const segment of segments) {
      let last: At | undefined;
      for (const { timeMs, value } of segment) {
        const at = { x: x(timeMs), y: y(value) };
        if (inside(at.x, at.y)) cost += each;
        else if (last && crosses(last, at, box)) cost += each * COSTS.crossing;
        last = at;
      }
    }
  }
  const crossing = spec.bounds.filter((bound) => inside(box.left, y(bound.value)));
  return cost + crossing.length * COSTS.bound;
}
