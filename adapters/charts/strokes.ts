import type { ChartLine } from '../../core/chart/spec.ts';
import type { Theme } from './theme.ts';

export interface Stroke {
  color: string;
  /** Lengths of dashes and gaps; absent: unbroken. */
  dashes?: string;
}

/** Each kind of line goes through its own colours. Once a neighbour's are used up, they come again, dotted. */
export function strokeOf(all: readonly ChartLine[], index: number, theme: Theme): Stroke {
  const breaching = all[index]?.breaching === true;
  const palette = breaching ? theme.breaching : theme.neighbours;
  const before = all.slice(0, index).filter((line) => line.breaching === breaching).length;
  const color = palette[before % palette.length] ?? theme.dim;
  // What breaches stays unbroken: dashes are the threshold's.
  const again = !breaching && Math.floor(before / palette.length) % 2 === 1;
  return again ? { color, dashes: '1 6' } : { color };
}
