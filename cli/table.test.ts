import { describe, expect, it } from 'vitest';
import { renderTable } from './table.ts';

it('ends a line with its last text, so that no terminal breaks it before blanks', () => {
  const bold = (text: string) => `\u001b[1m${text}\u001b[22m`;
  expect(
    renderTable(
      ['A', ''],
      [
        ['x', bold('   ')],
        ['y', 'long text'],
        [bold('z  '), ''],
      ],
    ),
  ).toBe(`A\nx${bold('')}\ny    long text\n${bold('z')}\n`);
});

it('a cell cannot send control characters to the terminal, except our colours', () => {
  const rows = [['\u001b[31mred\u001b[0m', 'n\u001b]0;owned\u0007\u202e\u009b2J']];
  expect(renderTable(['A', 'B'], rows)).toContain('\u001b[31mred\u001b[0m  n ]0;owned  2J\n');
});

describe('a table that is wider than the terminal', () => {
  const long = 'one two three four five six seven eight nine';
  const render = (width?: number) =>
    renderTable(['A', 'B', 'C'], [['x', long, '12']], [2], { wrap: 1, width });

  it('has its long column wrapped between words', () => {
    expect(render(40)).toBe(
      `A  ${'B'.padEnd(33)}   C\nx  one two three four five six seven  12\n   eight nine\n`,
    );
  });

  it('stays as it is where it fits, where little room would be left, and outside of a terminal', () => {
    const whole = `A  ${'B'.padEnd(long.length)}   C\nx  ${long}  12\n`;
    expect([render(52), render(30), render()]).toEqual([whole, whole, whole]);
  });
});
