import { expect, it } from 'vitest';
import { renderTable } from './table.ts';

it('a cell cannot send control characters to the terminal, except our colours', () => {
  const rows = [['\u001b[31mred\u001b[0m', 'n\u001b]0;owned\u0007\u202e\u009b2J']];
  expect(renderTable(['A', 'B'], rows)).toContain('\u001b[31mred\u001b[0m  n ]0;owned  2J\n');
});
