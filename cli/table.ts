import Table from 'cli-table3';
import type { Labels } from '../core/model/labels.ts';
import { visibleText } from '../core/text/visible-text.ts';

/** Our colours; all other control characters come from outside. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a colour begins with it
const STYLE = /(\u001b\[[\d;]*m)/;
const STYLES = new RegExp(STYLE, 'g');
/** Blanks that fill the last column, also between colours. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a colour begins with it
const LINE_END = /(?: |\u001b\[[\d;]*m)+$/;

const GAP = 2;
/** A column that would be narrower is not wrapped: the terminal does that. */
const NARROWEST = 30;

/**
 * A table without lines, with two spaces between columns. Numbers are aligned to the right. Column `wrap` is wrapped between words
 * where the table would be wider than the terminal.
 */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
  { wrap, width = terminalWidth() }: { wrap?: number; width?: number | undefined } = {},
): string {
  const cells = rows.map((row) => row.map(visibleCell));
  const room = wrap === undefined || width === undefined ? undefined : roomOf([head, ...cells], wrap, width);
  const none = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '' };
  const table = new Table({
    head: [...head],
    chars: {
      ...none,
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '  ',
    },
    colAligns: head.map((_, column) => (right.includes(column) ? 'right' : 'left')),
    style: { head: process.stdout.isTTY ? ['bold'] : [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of cells)
    table.push(row.map((cell, column) => (room && column === wrap ? wrapText(cell, room) : cell)));
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.replace(LINE_END, (end) => end.replaceAll(' ', '')))
    .join('\n')}\n`;
}

/** Output that is no terminal stays whole, for grep. */
function terminalWidth(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns : undefined;
}

/** What the other columns leave; undefined: the table fits, or too little is left. */
function roomOf(rows: readonly (readonly string[])[], wrap: number, width: number): number | undefined {
  const widthOf = (column: number) =>
    rows.reduce((widest, row) => Math.max(widest, [...(row[column] ?? '').replace(STYLES, '')].length), 0);
  const widths = rows[0]?.map((_, column) => widthOf(column)) ?? [];
  const others = widths.reduce((sum, each, column) => sum + (column === wrap ? 0 : each + GAP), 0);
  const room = width - others;
  return room < NARROWEST || (widths[wrap] ?? 0) <= room ? undefined : room;
}

/** Lines of the width at most, broken at spaces; what has none stays whole. */
function wrapText(text: string, width: number): string {
  const lines: string[] = [];
  for (const part of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + part.length <= width) lines.splice(-1, 1, `${line} ${part}`);
    else lines.push(part);
  }
  return lines.join('\n');
}

function visibleCell(cell: string): string {
  const parts = cell.split(STYLE);
  return parts.map((part, i) => (i % 2 === 1 ? part : visibleText(part))).join('');
}

/** `cluster=prod node=prod-1`. */
export function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
