import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuMs } from '../test/machine-speed.ts';
import { globCovers, globMatches, labelKey, labelsMatch, naturalOrder } from './labels.ts';
import type { Labels } from './model/labels.ts';

/** A glob by its definition, a character at a time; takes for ever where there are many stars. */
function matchesByDefinition(glob: readonly string[], value: readonly string[]): boolean {
  const [first, ...rest] = glob;
  if (first === undefined) return value.length === 0;
  if (first === '*') {
    return (
      matchesByDefinition(rest, value) || (value.length > 0 && matchesByDefinition(glob, value.slice(1)))
    );
  }
  const [letter, ...others] = value;
  return letter !== undefined && (first === '?' || first === letter) && matchesByDefinition(rest, others);
}

describe('globs', () => {
  it.each([
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['**', 'a\nb', true],
    ['?', '', false],
    ['?', '😀', true],
    ['??', '😀', false],
    ['*😀?', 'a😀b', true],
    ['nks-*', 'nks-1', true],
    ['nks-*', 'NKS-1', false],
    ['nks-*', 'a-nks-1', false],
    ['*-data', 'x-data-data', true],
    ['*-data', 'x-data-', false],
    ['a*b?c*d', 'aXbbYcZd', true],
    ['a*b?c*d', 'aXbbYcZ', false],
    ['/var/*', '/var', false],
    ['[a].(b)+|^$\\', '[a].(b)+|^$\\', true],
    ['a.c', 'abc', false],
    ['ab*ba', 'aba', false],
    ['ab*ba', 'abba', true],
    ['a?*', 'a', false],
    ['b?', 'ab', false],
    ['*.*', '*', false],
    ['\\*', '\\x', true],
  ])('%j on %j: %s', (glob, value, expected) => {
    expect(globMatches(glob, value)).toBe(expected);
  });

  it('mean what their definition says', () => {
    const letters = (...units: string[]) => fc.array(fc.constantFrom(...units), { maxLength: 9 });
    const globs = fc.oneof(letters('a', 'b', '*', '*', '😀'), letters('a', 'b', '*', '*', '?', '😀'));
    fc.assert(
      fc.property(globs, letters('a', 'b', '😀', '*'), (glob, value) => {
        expect(globMatches(glob.join(''), value.join(''))).toBe(matchesByDefinition(glob, value));
      }),
      { numRuns: 3_000 },
    );
  });

  // As regular expressions these take seconds to years.
  it.each([
    ['*-*-*-data', '-'.repeat(2_000)],
    ['*/pods/*/volumes/*/mount', '/pods/x/volumes/y'.repeat(240)],
    ['*a*a*a*a*a*a*b', 'a'.repeat(4_000)],
    ['*aaaaaaaaaaaaaaaaaaaaaaaab', 'a'.repeat(4_000)],
    [`${'*?'.repeat(200)}b`, 'a'.repeat(4_000)],
  ])('are fast on text that a node makes up: %s', (glob, value) => {
    const tookMs = cpuMs(() => {
      for (let i = 0; i < 10; i++) expect(globMatches(glob, value)).toBe(false);
    });
    expect(tookMs).toBeLessThan(500);
  });

  it('are many, each label needs one of its own', () => {
    const where = { cluster: ['a-*', 'b'], node: ['*'] };
    expect(labelsMatch(where, { cluster: 'b', node: 'n', mount: '/' })).toBe(true);
    expect(labelsMatch(where, { cluster: 'b' })).toBe(false);
    expect(labelsMatch(where, { cluster: 'c', node: 'n' })).toBe(false);
    expect(labelsMatch({}, { cluster: 'c' })).toBe(true);
  });
});

it.each([
  ['*', 'n1', true],
  ['*', 'a?b', true],
  ['n*', 'n1*', true],
  ['n1*', 'n*', false],
  ['n?', 'n1', true],
  ['n1', 'n?', false],
  // A `?` is one character, a star may be none or many.
  ['n?', 'n*', false],
  ['?*', '*', false],
  ['a?*', 'a?*', true],
  ['n1', 'n1', true],
  ['n1', 'n2', false],
])('%s covers all that %s matches: %s', (outer, inner, expected) => {
  expect(globCovers(outer, inner)).toBe(expected);
});

it('labels have the same key in any order, and another one for any other name or value', () => {
  expect(labelKey({ b: '2', a: '1' })).toBe(labelKey({ a: '1', b: '2' }));
  const keys: Labels[] = [{}, { a: '' }, { a: '1' }, { a: '1', b: '2' }, { a: '1,b', b: '' }, { b: '1' }];
  expect(new Set(keys.map(labelKey)).size).toBe(keys.length);
});

it('names are sorted as people do', () => {
  expect(['n10', 'n2', 'm1', 'N1'].toSorted(naturalOrder.compare)).toEqual(['m1', 'N1', 'n2', 'n10']);
});
