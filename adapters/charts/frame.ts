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
/** Above the plot, for the label of a firing region that is too narrow for it. */
const FLAG_HEIGHT = 26;
const BOTTOM = 412;
const RIGHT = WIDTH - 30;
const NARROWEST_LABELS = 40;

/** The value labels decide where the plot begins, the rows of the legend where it ends. */
export function frameOf(spec: ChartSpec, legendHeight: number): Frame {
  const labels = Math.max(...spec.y.ticks.map((tick) => textWidth(tick.label, TEXT)), NARROWEST_LABELS);
  const left = LEFT + labels + 12;
  const bottom = BOTTOM - legendHeight;
  const x = scaleLinear([spec.x.min, spec.x.max], [left, RIGHT]);
  const top = fitsRegion(spec, x) ? TOP : TOP + FLAG_HEIGHT;
  return {
    spec,
    theme: THEMES[spec.theme],
    left,
    right: RIGHT,
    top,
    bottom,
    x,
    y: scaleLinear([spec.y.min, spec.y.max], [bottom, top]),
  };
}

/** Whether the firing region, if there is one, is wide enough for its label. */
export function fitsRegion({ firing }: Pick<ChartSpec, 'firing'>, x: Frame['x']): boolean {
  if (!firing) return true;
  return x(firing.toMs) - x(firing.fromMs) > textWidth(firing.label, TEXT, true) + 16;
}
