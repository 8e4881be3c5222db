import { expect, it } from 'vitest';
import { sentText } from './sent-text.ts';

it.each([
  [
    'comments and indentation go',
    '# what it is\n{\n  # why\n  echo a\n\t echo b\n}\n',
    '{\necho a\necho b\n}\n',
  ],
  ['empty lines go', 'a\n\n  \nb\n', 'a\nb\n'],
  ['what stands behind a command stays', 'echo "# no" #:x # why\n', 'echo "# no" #:x # why\n'],
  ['a text that goes on at the beginning of a line stays', 'n=\'\n\'\nx="a\nb"\n', 'n=\'\n\'\nx="a\nb"\n'],
  ['spaces at the end of a line stay', "  printf 'a \n'\n", "printf 'a \n'\n"],
])('%s', (_what, source, sent) => {
  expect(sentText(source)).toBe(sent);
});
