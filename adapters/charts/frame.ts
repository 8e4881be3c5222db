import { scaleLinear } from 'd3-scale';
import type { ChartSpec } from '../../core/chart/spec.ts';
import { textWidth } from './text-width.ts';
import { LEFT, TEXT, THEMES, type Theme, WIDTH } from './theme.ts';

/** Where the plot lies, and where times and values lie in it. */
export interface Frame {
  spec: ChartSpec;
  theme: Theme;
  left: number;
  right: number;
  top: number;
  bottom: number;
  x: (ms: number) => number;
  y: (value: number) => number;
}

const TOP = 100;
const BOTTOM = 412;
const RIGHT = WIDTH - 30;
const NARROWEST_LABELS = 40;

/** The value labels decide where the plot begins, the rows of the legend where it ends. */
export function frameOf(spec: ChartSpec, legendHeight: number): Frame {
  const labels = Math.max(...spec.y.ticks.map((tick) => textWidth(tick.label, TEXT)), NARROWEST_LABELS);
  const left = LEFT + labels + 12;
  const bottom = BOTTOM - legendHeight;
  return {
    spec,
    theme: THEMES[spec.theme],
    left,
    right: RIGHT,
    top: TOP,
    bottom,
    x: scaleLinear([spec.x.min, spec.x.max], [left, RIGHT]),
    y: scaleLinear([spec.y.min, spec.y.max], [bottom, TOP]),
  };
}
