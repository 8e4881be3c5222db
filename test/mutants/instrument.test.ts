import { describe, expect, it } from 'vitest';
import { instrument } from './instrument.ts';
import { classify, countKinds, keyOf, rateOf, readEquivalents } from './report.ts';

const mutantsOf = (source: string) =>
  instrument('file.ts', source, 0).mutants.map(
    ({ operator, original, replacement }) => `${operator}: ${original} → ${replacement}`,
  );

describe('the mutants of a text', () => {
  it.each<[string, string[]]>([
    ['f(a < 3);', ['statement: f(a < 3); → ', 'condition: a < 3 → true', 'condition: a < 3 → false']],
    ['const x = (a + 1) * b;', ['arithmetic: (a + 1) * b → (a + 1) / b', 'arithmetic: a + 1 → a - 1']],
    ['const x = a?.b?.[0];', ['chain: a?.b?.[0] → a?.b[0]', 'chain: a?.b?.[0] → a.b?.[0]']],
    ['const x = a ?? [];', ['default: a ?? [] → a', 'default: a ?? [] → []']],
    ['const x = list.filter(f).map(g);', ['method: list.filter(f) → list']],
    ['const x = list.some(f);', ['method: list.some(f) → list.every(f)']],
    ['while (f(a)) g;', ['condition: f(a) → false']],
    ['const f = () => { return x; };', ['result: x → undefined']],
    ['const x = /^a\\d+$/;', ['regex: /^a\\d+$/ → /a\\d+$/', 'regex: /^a\\d+$/ → /^a\\d+/']],
    ['const x: Y = { a, b: true };', ['object: { a, b: true } → {}', 'boolean: true → false']],
  ])('%s', (source, expected) => {
    expect(mutantsOf(source)).toEqual(expect.arrayContaining(expected));
  });

  it.each([
    ["throw new TypeError('no such node');", ['statement']],
    ["import { a } from './a.ts'; export { b } from './b.ts';", []],
    ["interface A { b: 'c' } type D = 1 | 2;", []],
  ])('do not exist in texts for people, imports and types: %s', (source, operators) => {
    expect(instrument('file.ts', source, 0).mutants.map(({ operator }) => operator)).toEqual(operators);
  });

  it('have their line', () => {
    expect(instrument('file.ts', '\n\nconst a =\n  b && c;', 0).mutants.map(({ line }) => line)).toContain(4);
  });
});

it('the instrumented code works as before, or as its one active mutant', () => {
  const source = `
    const sizes = (values: number[], limit?: { max: number }): string => {
      let count = 0;
      for (const value of values) {
        if (value > (limit?.max ?? 2)) continue;
        count += value;
      }
      return count === 0 ? 'none' : \`\${count}\`;
    };`;
  const { code, mutants } = instrument('file.ts', source, 7);
  const resultOf = (active: number) =>
    new Function('__mutant', `${code}; return [sizes([1, 2, 3]), sizes([4], { max: 3 })].join()`)(
      (id: number) => id === active,
    );
  expect(resultOf(-1)).toBe('3,none');
  const noticed = mutants.filter(({ id }) => {
    try {
      return resultOf(id) !== '3,none';
    } catch {
      return true;
    }
  });
  const kept = mutants.filter((mutant) => !noticed.includes(mutant)).map(keyOf);
  expect(mutants[0]?.id).toBe(7);
  // Both limits leave out what was tried.
  expect(kept).toEqual(['file.ts | default | limit?.max ?? 2 | 2']);
});

it('the rate leaves equivalent mutants out', () => {
  const { mutants } = instrument('a.ts', 'const x = a < b;', 0);
  const equivalents = readEquivalents('a.ts | comparison | a < b | a <= b # b is never a\n');
  const status = (id: number) => ({ status: id === 0 ? ('killed' as const) : ('survived' as const) });
  const results = new Map(mutants.map(({ id }) => [id, status(id)]));
  const counts = countKinds(classify(mutants, results, equivalents));
  expect(counts).toMatchObject({ killed: 1, equivalent: 1, survived: mutants.length - 2 });
  expect(rateOf(counts)).toBe(1 / (mutants.length - 1));
});

it('a statement that may be left out is found with its reason', () => {
  const [removed] = instrument('a.ts', 'f();', 0).mutants;
  const equivalents = readEquivalents('a.ts | statement | f(); |  # f does nothing\n');
  expect(removed && equivalents.get(keyOf(removed))).toBe('f does nothing');
});
