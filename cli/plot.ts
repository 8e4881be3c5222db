// Draws a chart with characters. Libraries such as asciichart have no time axis, no gaps and no units.

import type { ChartLine, ChartSpec } from '../core/chart/spec.ts';
import type { Point } from '../core/model/sample.ts';
import { cutText, NARROWEST, type PlotOptions, timeAxisOf } from './plot-axis.ts';
import { columnsOf, type Paint } from './problem-report.ts';

/** A Braille character is two dots wide and four high (Unicode 17, 21.1.1); bits by [row][column]. */
const BRAILLE = 0x2800;
const BITS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;
const DOTS_ACROSS = 2;
const DOTS_DOWN = 4;

/**
 * Colours that can be distinguished on light and dark backgrounds, and by colour-blind people, as far as the eight of a
 * terminal allow.
 */
const HUES = ['cyan', 'yellow', 'magenta', 'green', 'blue', 'red'] as const;
/** Without colours each series has its own letter. */
const LETTERS = 'abcdef';
/** Nobody can distinguish more series in a terminal. */
export const MOST_LINES = HUES.length;

const ROWS = 12;

/** Title, plot with both axes, legend, and a line break. At most `columns` wide if that is at least 40. */
export function renderPlot(spec: ChartSpec, { columns, paint }: PlotOptions): string {
  const gutter = Math.max(...spec.y.ticks.map(({ label }) => columnsOf(label)));
  const across = Math.max(NARROWEST, columns - gutter - 2);
  const dotted = paint !== undefined || spec.lines.length === 1;
  const rows = drawRows(spec, across, dotted, paint);
  const labels = new Map(spec.y.ticks.map(({ at, label }) => [rowOf(spec, at), label]));
  const body = rows.map((row, i) => {
    const label = labels.get(i);
    const axis = `${(label ?? '').padStart(gutter)} ${label === undefined ? '│' : '┤'}`;
    return `${paint ? paint('dim', axis) : axis}${row}`;
  });
  const { line, text } = timeAxisOf(spec, across);
  const dim = (shown: string) => (paint ? paint('dim', shown) : shown);
  const title = paint ? paint('bold', spec.title) : spec.title;
  return [
    title,
    dim(cutText(spec.subtitle, columns)),
    ...body,
    dim(`${' '.repeat(gutter + 1)}└${line}`),
    dim(`${' '.repeat(gutter + 2)}${text}`.trimEnd()),
    ...legendOf(spec, columns, dotted, paint),
  ]
    .map((shown) => `${shown.trimEnd()}\n`)
    .join('');
}

/** The row of a value; 0 is the top of `rows` rows. */
function heightOf({ y }: ChartSpec, value: number, rows: number): number {
  const share = (value - y.min) / (y.max - y.min);
  return Math.round((1 - Math.min(1, Math.max(0, share))) * (rows - 1));
}

function rowOf(spec: ChartSpec, value: number): number {
  return Math.floor(heightOf(spec, value, ROWS * DOTS_DOWN) / DOTS_DOWN);
}

function drawRows(spec: ChartSpec, across: number, dotted: boolean, paint: Paint | undefined): string[] {
  const [width, height] = dotted ? [across * DOTS_ACROSS, ROWS * DOTS_DOWN] : [across, ROWS];
  const bits = Array.from({ length: ROWS }, () => new Uint8Array(across));
  /** Sets a bit for each line in the cell. */
  const owners = Array.from({ length: ROWS }, () => new Uint8Array(across));
  const xOf = (ms: number) => Math.round(((ms - spec.x.min) / (spec.x.max - spec.x.min)) * (width - 1));
  for (const [i, { segments }] of spec.lines.entries()) {
    const set = (x: number, y: number) => {
      const [row, column] = dotted ? [y >> 2, x >> 1] : [y, x];
      const [bitRow, ownerRow] = [bits[row], owners[row]];
      if (!bitRow || !ownerRow || column < 0 || column >= across) return;
      bitRow[column] = (bitRow[column] ?? 0) | (BITS[y % DOTS_DOWN]?.[x % DOTS_ACROSS] ?? 0);
      ownerRow[column] = (ownerRow[column] ?? 0) | (1 << i);
    };
    const positionOf = ({ timeMs, value }: Point): [number, number] => [
      xOf(timeMs),
      heightOf(spec, value, height),
    ];
    for (const segment of segments) drawSegment(segment.map(positionOf), set);
  }
  return bits.map((row, r) => {
    const runs: { line: number; text: string }[] = [];
    for (const [c, mask] of row.entries()) {
      const line = lineAt(owners[r]?.[c] ?? 0, c);
      const text = line < 0 ? ' ' : dotted ? String.fromCharCode(BRAILLE + mask) : LETTERS.charAt(line);
      const last = runs.at(-1);
      if (last?.line === line) last.text += text;
      else runs.push({ line, text });
    }
    return runs.map(({ line, text }) => (paint && line >= 0 ? paint(hueOf(line), text) : text)).join('');
  });
}

/** Lines that share a row of letters take turns, so that none hides another one. */
function lineAt(mask: number, column: number): number {
  const through = [...HUES.keys()].filter((line) => mask & (1 << line));
  return through[column % through.length] ?? -1;
}

function hueOf(line: number): (typeof HUES)[number] {
  return HUES[line % HUES.length] ?? 'cyan';
}

function drawSegment(
  positions: readonly (readonly [number, number])[],
  set: (x: number, y: number) => void,
): void {
  for (const [i, [x, y]] of positions.entries()) {
    const [nextX, nextY] = positions[i + 1] ?? [x, y];
    drawLine(x, y, nextX, nextY, set);
  }
}

/** A dot for each step along the longer side. */
function drawLine(x0: number, y0: number, x1: number, y1: number, set: (x: number, y: number) => void): void {
  const steps = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0), 1);
  for (let i = 0; i <= steps; i++) {
    set(Math.round(x0 + ((x1 - x0) * i) / steps), Math.round(y0 + ((y1 - y0) * i) / steps));
  }
}

/** Mark, name and newest value of each series, as many as fit into a row. */
function legendOf(
  { lines, omitted }: ChartSpec,
  columns: number,
  dotted: boolean,
  paint: Paint | undefined,
): string[] {
  if (lines.length === 0) return ['no samples in this time'];
  const entries = lines.map(({ name, value }: ChartLine, i) => {
    const mark = dotted ? '━━' : LETTERS.charAt(i);
    const room = columns - mark.length - value.length - 2;
    const shown = cutText(name, Math.max(8, room));
    return {
      width: mark.length + columnsOf(shown) + columnsOf(value) + 2,
      text: paint ? `${paint(hueOf(i), mark)} ${shown} ${paint('bold', value)}` : `${mark} ${shown} ${value}`,
    };
  });
  const rows: string[] = [];
  let used = 0;
  for (const { width, text } of entries) {
    if (rows.length > 0 && used + 3 + width <= columns) {
      rows[rows.length - 1] += `   ${text}`;
      used += 3 + width;
    } else {
      rows.push(text);
      used = width;
    }
  }
  if (omitted > 0) rows.push(`and ${omitted} more with lower peaks; --where chooses, --png draws 30`);
  return rows;
}
