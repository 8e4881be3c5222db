import type { ChartLine } from '../../core/chart/spec.ts';
import type { Theme } from './theme.ts';

export interface Stroke {
  color: string;
  /** Lengths of dashes and gaps; absent: unbroken. */
  dashes?: string;
}

/** Each kind of line has its own colours in turn. Neighbours reuse theirs with dots once all are in use. */
export function strokeOf(all: readonly ChartLine[], index: number, theme: Theme): Stroke {
  const breaching = all[index]?.breaching === true;
  const palette = breaching ? theme.breaching : theme.neighbours;
  const before = all.slice(0, index).filter((line) => line.breaching === breaching).length;
  const color = palette[before % palette.length] ?? theme.dim;
  // Breaching lines stay unbroken: only thresholds are dashed.
  const again = !breaching && Math.floor(before / palette.length) % 2 === 1;
  return again ? { color, dashes: '1 6' } : { color };
}
