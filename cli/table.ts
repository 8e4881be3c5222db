import Table from 'cli-table3';
import type { Labels } from '../core/model/labels.ts';
import { visibleText } from '../core/text/visible-text.ts';

/** Our colours; all other control characters come from outside. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a colour begins with it
const STYLE = /(\u001b\[[\d;]*m)/;

/** A table without lines, with two spaces between columns. Numbers are aligned to the right. */
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
