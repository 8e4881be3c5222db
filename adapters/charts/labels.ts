import type { ThresholdLine } from '../../core/chart/threshold-lines.ts';
import { label, px } from './elements.ts';
import { type Frame, fitsRegion } from './frame.ts';
import { textWidth } from './text-width.ts';
import { TEXT } from './theme.ts';

/** The area of a label: from `top` to `bottom`, around its base line. */
interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

const ASCENT = 18;
const DESCENT = 6;
/** Distances of a label's base line from its line, above and below it. */
const OVER = -9;
const UNDER = 25;
/** Between labels, and between labels and strokes. */
const GAP = 8;
/** Positions along a line that are tried for its label. */
const POSITIONS = 8;
/**
 * Costs of a position: it covers other labels, a threshold line, a point of a series, a stroke between two (as many
 * points), or it is far off.
 */
const COSTS = { labels: 1_000, bound: 40, breaching: 3, neighbour: 1, crossing: 5, side: 4, step: 1 };

/** Draws threshold and recovery lines, each with its label where that covers least; a line is interrupted by labels. */
export function renderThresholdLines(frame: Frame): string {
  const { spec, theme, left, right, top, bottom, y } = frame;
  const bounds = spec.thresholdLines
    .map((bound) => ({
      bound,
      at: y(bound.value),
      color: theme[bound.kind === 'threshold' ? 'firing' : 'resolved'],
    }))
    .filter(({ at }) => at >= top - 1 && at <= bottom + 1);
  const taken: Box[] = [];
  const labels = bounds.map(({ bound, at, color }) => {
    const box = positionLabel(bound, at, frame, taken);
    return label(box.left, box.bottom - DESCENT, bound.label, color, 'start', theme);
  });
  const lines = bounds.map(({ bound, at, color }) => {
    const threshold = bound.kind === 'threshold';
    const d = stretchesBeside(taken, at, left, right).map(([from, to]) => `M${px(from)} ${px(at)}H${px(to)}`);
    return `<path d="${d.join('')}" stroke="${color}" stroke-width="${threshold ? 2.5 : 2}" stroke-dasharray="${threshold ? '14 9' : '4 8'}"/>`;
  });
  return [...lines, ...labels].join('');
}

/** The stretches of a line from `left` to `right` that no label covers. */
function stretchesBeside(taken: readonly Box[], at: number, left: number, right: number): [number, number][] {
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

function positionLabel(bound: ThresholdLine, at: number, frame: Frame, taken: Box[]): Box {
  const width = textWidth(bound.label, TEXT, true);
  const sides = bound.labelSide === 'under' ? [UNDER, OVER] : [OVER, UNDER];
  const step = (frame.right - frame.left - width - 16) / (POSITIONS - 1);
  let best: { box: Box; cost: number } | undefined;
  for (const [side, offset] of sides.entries()) {
    for (let n = 0; n < POSITIONS; n++) {
      const x = frame.left + 8 + n * step;
      const base = at + offset;
      const box = { left: x, right: x + width, top: base - ASCENT, bottom: base + DESCENT };
      const outside = box.top < frame.top - 12 || box.bottom > frame.bottom + 4;
      const crowded = taken.filter((other) => overlap(other, box)).length * COSTS.labels;
      const cost =
        (outside ? COSTS.labels * 2 : 0) +
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
 * Draws the firing region's label: inside the region, where least is drawn, or above the plot when the region is too narrow.
 * Beside the region it would seem to label what is there.
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
      label(center, top - 12, firing.label, color, 'middle', theme)
    );
  }
  const boxAt = (y: number) => ({
    left: center - width / 2 - 8,
    right: center + width / 2 + 8,
    top: y - ASCENT - 6,
    bottom: y + DESCENT + 4,
  });
  const candidates = [bottom - 16, top + 30, (top + bottom) / 2 + 8].map((y) => ({
    y,
    covered: coveredIn(boxAt(y), frame),
  }));
  const best = candidates.reduce((least, candidate) =>
    candidate.covered < least.covered ? candidate : least,
  );
  return label(center, best.y, firing.label, color, 'middle', theme);
}

interface At {
  x: number;
  y: number;
}

/** Whether the stroke between two points crosses a label. */
function crosses(from: At, to: At, label: Box): boolean {
  const box = { ...label, left: label.left - GAP, right: label.right + GAP };
  if (Math.max(from.x, to.x) < box.left || Math.min(from.x, to.x) > box.right) return false;
  if (Math.max(from.y, to.y) < box.top || Math.min(from.y, to.y) > box.bottom) return false;
  // The corners lie on both sides of it.
  const side = (x: number, y: number) =>
    Math.sign((to.x - from.x) * (y - from.y) - (to.y - from.y) * (x - from.x));
  const { left, right, top, bottom } = box;
  const sides = [side(left, top), side(right, top), side(left, bottom), side(right, bottom)];
  return new Set(sides).size > 1;
}

/** The cost of what a label in this box would cover: points and strokes of series, and threshold lines. */
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
  const crossing = spec.thresholdLines.filter((bound) => inside(box.left, y(bound.value)));
  return cost + crossing.length * COSTS.bound;
}
