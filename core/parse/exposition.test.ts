import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuMs } from '../../test/machine-speed.ts';
import { parseExposedNumber } from './exposed-number.ts';
import { type ExposedSample, MOST_SAMPLES, parseExposition, readExposition } from './exposition.ts';

const WANTED = new Set(['a', 'a:b', 'h_bucket', 'a.b']);
const parse = (text: string, isCut = false) => parseExposition(text, WANTED, isCut);
/** Each sample as a line. */
const lines = (text: string) =>
  parse(text).samples.map(({ name, labels, value }) => `${name} ${JSON.stringify(labels)} ${value}`);

describe('a line', () => {
  it.each([
    ['a 1', 'a {} 1'],
    ['a:b 1', 'a:b {} 1'],
    ['  a\t1  ', 'a {} 1'],
    ['a{} 1', 'a {} 1'],
    ['a{x="1"} 2', 'a {"x":"1"} 2'],
    ['a{x="1"}2', 'a {"x":"1"} 2'],
    ['a {x="1",} 2', 'a {"x":"1"} 2'],
    ['a { x = "1" , y = "" } 2', 'a {"x":"1","y":""} 2'],
    ['a{x="}",y=","} 2', 'a {"x":"}","y":","} 2'],
    [String.raw`a{x="\\",y="\"",z="\n\t"} 2`, String.raw`a {"x":"\\","y":"\"","z":"\n\\t"} 2`],
    ['a{__proto__="1"} 2', 'a {"__proto__":"1"} 2'],
    ['a{x="\u00e9 \u{1F389}"} 2', 'a {"x":"\u00e9 \u{1F389}"} 2'],
    ['a -1.5e-3', 'a {} -0.0015'],
    ['a 2.147483648e+09', 'a {} 2147483648'],
    ['a +Inf', 'a {} Infinity'],
    ['a -Inf', 'a {} -Infinity'],
    ['a NaN', 'a {} NaN'],
    ['a .5', 'a {} 0.5'],
    ['a 5.', 'a {} 5'],
    ['a 1 1395066363000', 'a {} 1'],
    ['a 1 -1', 'a {} 1'],
    ['a 1 1520879607.789', 'a {} 1'],
    ['h_bucket{le="1"} 8 # {trace_id="x"} 0.67', 'h_bucket {"le":"1"} 8'],
    ['h_bucket{le="1"} 8 1520879607.789 # {trace_id="x"} 0.67 1520879607.1', 'h_bucket {"le":"1"} 8'],
    ['{"a.b"} 3', 'a.b {} 3'],
    ['{"a.b",x="1","y.z"="2"} 3', 'a.b {"x":"1","y.z":"2"} 3'],
  ])('%s', (text, expected) => {
    expect(lines(text)).toEqual([expected]);
    expect(lines(`${text}\n`)).toEqual([expected]);
    expect(lines(`${text}\r\n`)).toEqual([expected]);
    expect(parse(text)).toMatchObject({ lines: 1, invalid: 0 });
  });

  it.each([
    'a',
    'a{x="1"}',
    'a 1,5',
    'a 0x1p3',
    'a 1_000',
    'a one',
    'a 1 2 3',
    'a 1 soon',
    'a{x="1" 2',
    'a{x="1} 2',
    'a{x=1} 2',
    'a{x} 2',
    'a{1x="1"} 2',
    'a{x="1"y="2"} 2',
    'a{x="1",,} 2',
    'a{,} 2',
    'a{x="1",x="2"} 2',
    'a{"a.b"} 2',
    'a{x="\\"} 2',
    '{x="1"} 2',
    '{"a.b","a.b"} 2',
    '{} 2',
    '-a 1',
    '1a 1',
    'a-b 1',
    '<html>',
    'é 1',
    '\u0000',
    `a{x="${'x'.repeat(20_000)}"} 1`,
    `a{${Array.from({ length: 65 }, (_, i) => `x${i}="1"`).join(',')}} 1`,
  ])('that is none: %s', (text) => {
    expect(parse(`${text}\na 7\n`)).toMatchObject({
      invalid: 1,
      lines: 1,
      samples: [{ name: 'a', value: 7 }],
    });
  });

  it.each(['', ' ', '\t', '# a 1', '#', '  # HELP a', '# TYPE a counter', '\r'])(
    'without a sample: %j',
    (text) => {
      expect(parse(`${text}\na 7\n`)).toMatchObject({ invalid: 0, lines: 1, samples: [{ value: 7 }] });
    },
  );
});

describe('a text', () => {
  it('has the samples of the wanted names, and counts the others', () => {
    expect(parse('b 1\na 2\nb{x="1"} 3\nc broken\naa 4\n')).toMatchObject({
      samples: [{ name: 'a', value: 2 }],
      lines: 5,
      invalid: 0,
    });
  });

  it('has a series once, in whatever order its labels are', () => {
    const text = 'a{x="1",y="2"} 1\na{y="2",x="1"} 2\na{x="1",y="2",z=""} 3\na{x="1"} 4\na 5\na{} 6\n';
    expect(parse(text)).toMatchObject({ samples: [{ value: 1 }, { value: 4 }, { value: 5 }], duplicates: 3 });
  });

  it('ends at `# EOF`', () => {
    expect(parse('a 1\n# EOF\na:b 2\n').samples).toHaveLength(1);
    expect(parse('# EOFx\na:b 2\n').samples).toHaveLength(1);
  });

  it('that was cut loses its last line, which may lack digits', () => {
    expect(parse('a 1\na:b 12', true)).toMatchObject({ samples: [{ value: 1 }], invalid: 0 });
    expect(parse('a 1\na:b 12').samples).toHaveLength(2);
  });

  it('has a limit of samples', () => {
    const text = Array.from({ length: MOST_SAMPLES + 5 }, (_, i) => `a{x="${i}"} 1\n`).join('');
    const { samples, dropped } = parse(text);
    expect([samples.length, dropped]).toEqual([MOST_SAMPLES, 5]);
  });

  it('of any content takes time that grows with its length, in parts', () => {
    const hostile = [
      'a'.repeat(2 ** 20),
      `a{${'x="1",'.repeat(2 ** 17)}`,
      `a{x="${'\\'.repeat(2 ** 20)}`,
      ' '.repeat(2 ** 20),
      '\n'.repeat(2 ** 20),
      'a{\n'.repeat(2 ** 18),
      `a ${'1'.repeat(2 ** 20)}`,
      `a ${' '.repeat(2 ** 20)}x`,
      'a 1 '.repeat(2 ** 18),
    ];
    for (const text of hostile)
      expect(
        cpuMs(() => parse(text)),
        text.slice(0, 20),
      ).toBeLessThan(300);
    const parts = [...readExposition(Buffer.from('b 1\n'.repeat(2 ** 18)), WANTED)];
    expect(parts.length).toBeGreaterThan(5);
  });

  it('of a megabyte, in 10,000 families, takes some milliseconds', () => {
    const text = Array.from(
      { length: 10_000 },
      (_, i) =>
        `# HELP metric_${i} A help text of a metric\n# TYPE metric_${i} gauge\nmetric_${i}{code="200",verb="GET"} ${i}.5\n`,
    ).join('');
    expect(text.length).toBeGreaterThan(2 ** 20);
    const measure = () => cpuMs(() => expect(parse(text).lines).toBe(10_000));
    // The first run includes the compilation.
    expect(Math.min(...Array.from({ length: 5 }, measure))).toBeLessThan(30);
  });
});

/** What a client library writes. */
const escaped = (text: string) =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
const blank = fc.constantFrom('', ' ', '\t', '  ');
const identifier = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,8}$/);
const anyLabels = fc.uniqueArray(fc.tuple(identifier, fc.string({ unit: 'grapheme' })), {
  selector: ([name]) => name,
  maxLength: 5,
});
const numberText = (value: number) =>
  Number.isFinite(value) ? String(value) : Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';

describe('properties', () => {
  it('every exposition is read as it was written', () => {
    const series = fc.record({
      name: fc.constantFrom('a', 'a:b', 'h_bucket', 'other'),
      labels: anyLabels,
      value: fc.double(),
      time: fc.option(fc.integer()),
      space: blank,
      comment: fc.option(fc.string({ unit: 'grapheme-ascii' })),
      end: fc.constantFrom('\n', '\r\n'),
    });
    fc.assert(
      fc.property(fc.array(series, { maxLength: 20 }), (list) => {
        const text = list
          .map(({ name, labels, value, time, space, comment, end }) => {
            const pairs = labels.map(([key, label]) => `${key}${space}=${space}"${escaped(label)}"`);
            const set =
              labels.length > 0 ? `${space}{${space}${pairs.join(`${space},${space}`)}${space}}` : ' ';
            const about = comment === null ? '' : `# ${comment.replaceAll(/[\r\n]/g, '')}x${end}`;
            return `${about}${name}${set}${space}${numberText(value)}${time === null ? '' : ` ${time}`}${end}`;
          })
          .join('');
        const expected = new Map<string, ExposedSample>();
        for (const { name, labels, value } of list) {
          if (name === 'other') continue;
          const full = labels.filter(([, label]) => label !== '').sort(([x], [y]) => (x < y ? -1 : 1));
          const key = JSON.stringify([name, full]);
          // -0 is written as 0.
          if (!expected.has(key))
            expected.set(key, { name, labels: Object.fromEntries(labels), value: value + 0 });
        }
        const { samples, invalid, lines: count } = parse(text);
        expect([samples, invalid, count]).toEqual([[...expected.values()], 0, list.length]);
      }),
    );
  });

  it('families that nobody wants change nothing but the number of lines', () => {
    const unwanted = fc.constantFrom(
      'b 1',
      'b{x="é"} 1',
      'bb 2',
      'b_bucket{le="1"} 2',
      ' b 3',
      'b\t4',
      '{"b"} 1',
    );
    const other = fc.constantFrom(
      'a 1',
      'a:b{x="é"} 2',
      'a',
      'b',
      'b;',
      'é',
      '# HELP b',
      '# EOF',
      '',
      '{"a.b"} 1',
      'h_bucket 1',
    );
    const lineEnd = fc.constantFrom('\n', '\r\n');
    const list = fc.array(fc.tuple(fc.oneof(unwanted, other), lineEnd), { maxLength: 12 });
    fc.assert(
      fc.property(list, (all) => {
        const mark = all.findIndex(([line]) => line === '# EOF');
        const read = mark < 0 ? all : all.slice(0, mark);
        const isSample = ([line]: [string, string]) => /^ ?b\w*[ {\t]|^\{"b"/.test(line);
        const less = read.filter((one) => !isSample(one));
        const expected = parse(less.flat().join(''));
        const lineCount = expected.lines + read.length - less.length;
        expect(parse(all.flat().join(''))).toEqual({ ...expected, lines: lineCount });
      }),
      { numRuns: 500 },
    );
  });

  it('no text breaks it, and every line is counted at most once', () => {
    const character = fc.constantFrom(
      'a',
      '{',
      '}',
      '"',
      '\\',
      ',',
      '=',
      ' ',
      '\n',
      '\r',
      '1',
      '#',
      'x',
      'é',
      '.',
    );
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 200 }), fc.boolean(), (text, isCut) => {
        const { samples, lines: count, invalid, duplicates, dropped } = parse(text, isCut);
        expect(samples.length + duplicates + dropped).toBeLessThanOrEqual(count);
        expect(count + invalid).toBeLessThanOrEqual(text.split('\n').length);
      }),
      { numRuns: 500 },
    );
  });

  it('numbers are those of JavaScript where both read them', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        expect(parseExposedNumber(numberText(value))).toBe(value + 0);
      }),
    );
  });
});
