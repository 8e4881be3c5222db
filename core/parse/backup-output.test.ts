import { describe, expect, it } from 'vitest';
import { parseBackups } from './backup-output.ts';

const LINES = ['pattern 1 listed 3 1795522000', 'pattern 2 missing 0 0', 'clock 1795522786.25'];
const parsed = (lines: readonly string[], count = 2) =>
  parseBackups(`motd\n@bartizan begin backups 1\n${lines.join('\n')}\n@bartizan end\n`, count);

describe('the files of backups', () => {
  it('are those of each pattern, with the time of the newest, by the clock of the node', () => {
    expect(parsed(LINES)).toEqual({
      patterns: [
        { state: 'listed', count: 3, newestAt: 1_795_522_000 },
        { state: 'missing', count: 0, newestAt: undefined },
      ],
      clockMs: 1_795_522_786_250,
    });
  });

  it.each(['listed', 'missing', 'closed', 'failed'])('may be %s', (state) => {
    expect(parsed([`pattern 1 ${state} 1 5`, 'clock 9'], 1)?.patterns).toEqual([
      { state, count: 1, newestAt: 5 },
    ]);
  });

  it('may stand among lines of others', () => {
    expect(parsed(['', 'warning: 1 listed', ...LINES])).toEqual(parsed(LINES));
  });

  it.each<[string, string[], number?]>([
    ['of another state', ['pattern 1 gone 3 5', 'clock 9'], 1],
    ['without a state', ['pattern 1', 'clock 9'], 1],
    ['whose count is none', ['pattern 1 listed x 5', 'clock 9'], 1],
    ['whose time is none', ['pattern 1 listed 3 x', 'clock 9'], 1],
    ['of another order', ['pattern 2 listed 3 5', 'pattern 1 listed 3 5', 'clock 9']],
    ['that are fewer', ['pattern 1 listed 3 5', 'clock 9']],
    ['that are more', [...LINES, 'pattern 3 listed 1 5']],
    ['without a clock', LINES.slice(0, 2)],
    ['with a clock that is none', [...LINES.slice(0, 2), 'clock now']],
  ])('%s are not understood', (_, lines, count) => {
    expect(parsed(lines, count)).toBeUndefined();
  });

  it.each([
    ['', 0],
    [`@bartizan begin backups 2\n${LINES.join('\n')}\n@bartizan end\n`, 2],
    [`@bartizan begin backups 1\n${LINES.join('\n')}\n`, 2],
  ])('of an output without both ends are not understood', (output, count) => {
    expect(parseBackups(output, count)).toBeUndefined();
  });
});
