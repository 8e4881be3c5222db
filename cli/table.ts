import Table from 'cli-table3';
import type { Labels } from '../core/model/labels.ts';
import { visibleText } from '../core/text/visible-text.ts';

/** Colours of ours: all else that could move a cursor comes from outside. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what colours begin with
const STYLE = /(\u001b\[[\d;]*m)/;

/** A table without lines, columns two spaces apart. Numbers (right) are aligned by their end. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
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
  for (const row of rows) table.push(row.map(visibleCell));
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
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
