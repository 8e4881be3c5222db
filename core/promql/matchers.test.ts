import { describe, expect, it } from 'vitest';
import type { Matcher } from '../model/silence.ts';
import { alternativesOf, compileMatchers } from './matchers.ts';

const match = (op: Matcher['op'], value: string, labels: Record<string, string>) =>
  compileMatchers([{ name: 'node', op, value }])(labels);

describe('a matcher', () => {
  it.each<
    readonly [op: Matcher['op'], value: string, matches: readonly string[], matchesNot: readonly string[]]
  >([
    ['=', 'a', ['a'], ['ab', '']],
    ['=', '', [''], ['a']],
    ['!=', 'a', ['b', ''], ['a']],
    ['=~', 'node-.*', ['node-1', 'node-', 'node-\n'], ['a-node-1', '']],
    ['=~', 'a|b', ['a', 'b'], ['ab', 'xa', '']],
    ['=~', '(a|b)', ['a', 'b'], ['ab', '']],
    ['=~', 'a|', ['a', ''], ['b']],
    ['=~', '', [''], ['a']],
    ['=~', 'a\\.b|c', ['a.b', 'c'], ['axb']],
    ['=~', 'a|b.', ['a', 'bx'], ['ax', 'b']],
    ['=~', '(?i)NODE', ['node', 'Node'], ['nodes']],
    ['=~', '^a$', ['a'], ['ab']],
    ['=~', '.', ['é', '😀'], ['', 'ab']],
    ['!~', 'a.*', ['b', ''], ['a', 'ab']],
    ['!~', 'a|b', ['c', ''], ['a', 'b']],
  ])('%s%j', (op, value, matches, matchesNot) => {
    for (const one of matches) expect(match(op, value, { node: one }), one).toBe(true);
    for (const one of matchesNot) expect(match(op, value, { node: one }), one).toBe(false);
  });

  it('sees a missing label as an empty one, that of a prototype too', () => {
    expect(match('=', '', {})).toBe(true);
    expect(match('=~', '.*', {})).toBe(true);
    expect(match('!=', '', {})).toBe(false);
    expect(compileMatchers([{ name: 'constructor', op: '=', value: '' }])({})).toBe(true);
  });

  it('takes a time that is linear, whatever the expression', () => {
    const value = `${'a'.repeat(2_000)}!`;
    expect(match('=~', '(a+)+b', { node: value })).toBe(false);
  });
});

describe('alternatives', () => {
  it.each<readonly [string, readonly string[] | undefined]>([
    ['a', ['a']],
    ['a|b-1|', ['a', 'b-1', '']],
    ['(a|b)', ['a', 'b']],
    ['10\\.0\\.0\\.1|\\\\', ['10.0.0.1', '\\']],
    ['(a)|(b)', undefined],
    ['a\\|b', undefined],
    ['\\d', undefined],
    ['a.b', undefined],
    ['\\\\.', undefined],
    ['(?i)a', undefined],
  ])('of %j', (expression, values) => {
    expect(alternativesOf(expression)).toEqual(values);
  });
});
