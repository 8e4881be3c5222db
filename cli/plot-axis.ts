import type { ChartSpec } from '../core/chart/spec.ts';
import { columnsOf, type Paint } from './problem-report.ts';

export interface PlotOptions {
  /** The width of the terminal. */
  columns: number;
  /** Undefined: without colours. */
  paint: Paint | undefined;
}

/** The narrowest plot, even if the terminal reports fewer columns. */
export const NARROWEST = 20;

/** The number of bins of time in a plot; each bin has two points, and each point a column of dots. */
export function binsOf(columns: number): number {
  return Math.max(NARROWEST, columns);
}

/** Marks at round times, with labels below where there is space. */
export function timeAxisOf({ x }: ChartSpec, across: number): { line: string; text: string } {
  const line = Array.from({ length: across }, () => '─');
  let text = '';
  for (const { at, label } of x.ticks) {
    const column = Math.round(((at - x.min) / (x.max - x.min)) * (across - 1));
    const from = column - Math.floor(label.length / 2);
    if (from < (text === '' ? 0 : text.length + 1) || from + label.length > across) continue;
    line[column] = '┬';
    text = text.padEnd(from) + label;
  }
  return { line: line.join(''), text };
}

/** Shortens a long name in its middle, because its ends matter more. */
export function cutText(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  const letters = [...text];
  while (letters.length > 1 && columnsOf(letters.join('')) > columns - 1)
    letters.splice(Math.floor(letters.length / 2), 1);
  letters.splice(Math.ceil(letters.length / 2), 0, '…');
  return letters.join('');
}
