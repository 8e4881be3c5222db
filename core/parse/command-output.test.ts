import { expect, it } from 'vitest';
import { parseCommandOutput } from './command-output.ts';

it.each<[string, string, ReturnType<typeof parseCommandOutput>]>([
  ['a line', '@bartizan begin\n12\n\n@bartizan end 0\n', { stdout: '12\n', exitCode: 0 }],
  ['no line end', '@bartizan begin\n12\n@bartizan end 3\n', { stdout: '12', exitCode: 3 }],
  ['nothing', '@bartizan begin\n\n@bartizan end 1\n', { stdout: '', exitCode: 1 }],
  [
    'noise around it',
    'Welcome, no end@bartizan begin\nx\n\n@bartizan end 0\nbye\n',
    { stdout: 'x\n', exitCode: 0 },
  ],
  [
    'an end of its own',
    '@bartizan begin\na\n@bartizan end 0\n\n@bartizan end 7\n',
    { stdout: 'a\n@bartizan end 0\n', exitCode: 7 },
  ],
  ['no begin', 'x\n@bartizan end 0\n', undefined],
  ['no end', '@bartizan begin\nx\n', undefined],
  ['the end before the begin', '\n@bartizan end 0\n@bartizan begin\n', undefined],
  ['a code that is none', '@bartizan begin\n\n@bartizan end 256\n', undefined],
  ['a code with a sign', '@bartizan begin\n\n@bartizan end -1\n', undefined],
  ['no code', '@bartizan begin\n\n@bartizan end \n', undefined],
  ['nothing at all', '', undefined],
])('output with %s', (_, text, expected) => {
  expect(parseCommandOutput(text)).toEqual(expected);
});
