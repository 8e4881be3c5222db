import type { ChartLine } from '../../core/chart/spec.ts';
import type { Point } from '../../core/model/sample.ts';

/** A stretch of a line on which `share` lines coincide; this line is the `position`-th of them, from 0. */
export interface Stretch {
  points: readonly Point[];
  share: number;
  position: number;
}

/** Values less far apart than this on the picture are one. */
const SAME_PX = 2;
/** More than the picture is high. */
const ROWS = 4_096;
const ALONE: readonly number[] = [];

/** The lines that pass through a point; empty for a single line. */
export type Crossings = (point: Point) => readonly number[];

export function crossingsOf(
  lines: readonly Pick<ChartLine, 'segments'>[],
  y: (value: number) => number,
): Crossings {
  const keyOf = ({ timeMs, value }: Point) => timeMs * ROWS + Math.round(y(value) / SAME_PX);
  const through = new Map<number, number[]>();
  for (const [i, { segments }] of lines.entries()) {
    for (const point of segments.flat()) {
      const there = through.get(keyOf(point));
      if (there) there.push(i);
      else through.set(keyOf(point), [i]);
    }
  }
  return (point) => through.get(keyOf(point)) ?? ALONE;
}

/** Cuts a segment of line `own` where other lines join it or leave it. */
export function stretchesOf(segment: readonly Point[], own: number, crossings: Crossings): Stretch[] {
  const stretches: { points: Point[]; lines: readonly number[] }[] = [];
  for (const [i, point] of segment.entries()) {
    const before = segment[i - 1];
    if (!before) continue;
    const there = crossings(point);
    const lines = crossings(before).filter((line) => there.includes(line));
    const last = stretches.at(-1);
    if (last && lines.length === last.lines.length && lines.every((line, n) => line === last.lines[n])) {
      last.points.push(point);
    } else stretches.push({ points: [before, point], lines });
  }
  if (stretches.length === 0) stretches.push({ points: [...segment], lines: [own] });
  return stretches.map(({ points, lines }) => ({
    points,
    share: Math.max(1, lines.length),
    position: Math.max(0, lines.indexOf(own)),
  }));
}
