import { describe, expect, it } from 'vitest';
import { parseCost } from './cost-output.ts';

const output = (...lines: string[]) =>
  `${['@bartizan begin cost 1', ...lines, '@bartizan end'].join('\n')}\n`;

describe('the output of the cost script', () => {
  it.each<[string, string[], ReturnType<typeof parseCost>]>([
    [
      'two processes, to the nanosecond',
      ['sshd 42 12345678 1 0 7 3', 'sshd 41 20000000 2 1 0 2'],
      { cpu: { processes: ['42', '41'], sshdMs: 32.345678, ranMs: 120 } },
    ],
    [
      'the sessions of the server that have ended',
      ['sshd 42 1000000 0 0 0 0', 'listens 7 120 3'],
      { cpu: { processes: ['42'], sshdMs: 1, ranMs: 0, endedMs: 1_230 } },
    ],
    [
      'a kernel without schedstat: hundredths of a second',
      ['sshd 42 unknown 1 2 0 0'],
      { cpu: { processes: ['42'], sshdMs: 30, ranMs: 0 } },
    ],
    [
      'a part that is hidden',
      ['sshd 42 12345678 1 0 7 3', 'hidden'],
      { cpu: 'its /proc hides the processes of sshd from us (hidepid)' },
    ],
    ['another SSH server', [], { cpu: 'none of the processes above our command is called sshd' }],
    ['a number that is none', ['sshd 42 1e6 1 0 7 3'], undefined],
    ['a number too few', ['sshd 42 1 1 0 7'], undefined],
    ['something else', ['hello'], undefined],
  ])('%s', (_name, lines, expected) => {
    expect(parseCost(output(...lines))).toEqual(expected);
  });

  it.each(['', '@bartizan begin cost 1\nsshd 42 1 1 0 7 3\n', '@bartizan end\n@bartizan begin cost 1\n'])(
    'is none of it: %j',
    (text) => {
      expect(parseCost(text)).toBeUndefined();
    },
  );

  it('ends with the processes that a session can have', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => `sshd ${i} 1000000 0 0 0 0`);
    expect(parseCost(output(...many))).toMatchObject({ cpu: { sshdMs: 16 } });
  });
});
