import { describe, expect, it } from 'vitest';
import { listText, parsePki } from './pki-output.ts';

const frame = (lines: readonly string[]) =>
  `noise\n@bartizan begin pki 1\n${lines.join('\n')}\n@read 0\n@bartizan end\n`;
const parse = (...lines: string[]) => parsePki(frame(lines));
const NOTHING = {
  certificates: [],
  unreadable: { names: [], count: 0 },
  missing: { names: [], count: 0 },
  cutShort: undefined,
  notes: [],
};

describe('the output of pki is', () => {
  it.each<[string, string[], object]>([
    ['empty where there is nothing', [], {}],
    [
      'a label for each certificate of a file',
      ['file /a b', 'pem AAAA', 'pem BBBB', 'file /c', 'user CCCC', 'cluster =1', 'user =3', 'cluster =9'],
      {
        certificates: [
          { file: '/a b', base64: 'AAAA' },
          { file: '/a b#2', base64: 'BBBB' },
          { file: '/c#user', base64: 'CCCC' },
          { file: '/c#cluster', base64: 'AAAA' },
          { file: '/c#user2', base64: 'CCCC' },
        ],
        notes: ['1 certificates too many, or without an end'],
      },
    ],
    [
      'nothing of a certificate without a file, or with a name that is no text',
      ['pem AAAA', 'file /\u0007', 'pem BBBB', 'broken 1', `file /${'x'.repeat(1_024)}`, 'file /a', 'pem =2'],
      { certificates: [{ file: '/a', base64: 'BBBB' }], notes: ['2 files whose name is no text'] },
    ],
    [
      'names of what was left out, and how many there are',
      [
        '@closed /b',
        '@closed /a',
        '@count @closed 40',
        '@missing /c',
        '@large /d',
        '@count @odd 3',
        '@error x',
        '@error y',
      ],
      {
        unreadable: { names: ['/a', '/b'], count: 40 },
        missing: { names: ['/c'], count: 1 },
        notes: [
          'left out, larger than 256 KiB: /d',
          'left out, a control character in the name: 3',
          'could not be listed: x, y',
        ],
      },
    ],
    [
      'files in which something is damaged, or beyond a limit',
      ['file /a', 'broken 2', 'beyond 7', 'file /b', 'broken 1'],
      {
        notes: [
          'a certificate that is damaged or not whole: /a, /b',
          'more certificates than the script prints: /a',
        ],
      },
    ],
    ['whole where find could not read a folder', ['@listed 1'], {}],
    ['cut short without find', ['@listed 127'], { cutShort: 'there is no find on the node' }],
    [
      'cut short where find hung',
      ['@listed 124'],
      { cutShort: 'find was ended, as it took too long: a file system that hangs?' },
    ],
    ['cut short where find failed', ['@listed 2'], { cutShort: 'find ended with code 2' }],
    ['the same with garbage between', ['@', '@count', '@count @closed x', 'pem', 'file', '=', '\u0000'], {}],
  ])('%s', (_, lines, expected) => {
    expect(parse(...lines)).toEqual({ ...NOTHING, ...expected });
  });

  it('bounded, whatever a node sends', () => {
    const many = parse('file /a', ...Array.from({ length: 2_000 }, (_, i) => `pem A${i}`));
    expect(many?.certificates).toHaveLength(500);
    expect(many?.notes).toEqual(['1500 certificates too many, or without an end']);
    const long = parse('file /a', `pem ${'A'.repeat(22_001)}`);
    expect(long?.certificates).toEqual([]);
  });

  it.each([
    ['another script', '@bartizan begin usage 2\n@read 0\n@bartizan end\n'],
    ['an output that was cut off', '@bartizan begin pki 1\n@read 0\n'],
    ['one of an awk that never ran', '@bartizan begin pki 1\n@bartizan end\n'],
  ])('undefined for %s', (_, text) => {
    expect(parsePki(text)).toBeUndefined();
  });
});

it('a list shows so many names, and counts the others', () => {
  const names = Array.from({ length: 40 }, (_, i) => `/${i}`);
  expect(listText({ names, count: 50 })).toMatch(/^\/0, .*, \/31 and 18 more$/);
  expect(listText({ names: [], count: 3 })).toBe('3');
});
