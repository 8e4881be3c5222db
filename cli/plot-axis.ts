import type { ChartSpec } from '../core/chart/spec.ts';
import { columnsOf, type Paint } from './problem-report.ts';

export interface PlotOptions {
  /** Width of the terminal. */
  columns: number;
  /** Undefined: without colours. */
  paint: Paint | undefined;
}

/** The narrowest plot, however narrow the terminal claims to be. */
export const NARROWEST = 20;

/** How many bins of time a plot shows: two points each, one a column of dots. */
export function binsOf(columns: number): number {
  return Math.max(NARROWEST, columns);
}

/** Marks at round times, and their labels under them where those have room. */
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

/** Cuts a long name in its middle, which matters least. */
export function cutText(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  const letters = [...text];
  while (letters.length > 1 && columnsOf(letters.join('')) > columns - 1)
    letters.splice(Math.floor(letters.length / 2), 1);
  letters.splice(Math.ceil(letters.length / 2), 0, '…');
  return letters.join('');
}
