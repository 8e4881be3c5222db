import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import { labelsMatch } from '../labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Matcher, StoredSilence } from '../model/silence.ts';
import { checkMatcher, endedAt, fromGlobs, type SilenceSubject, silenceCovers } from './silences.ts';

const stored = (change: Partial<StoredSilence>): StoredSilence => ({
  id: 's1',
  matchers: [],
  fromMs: 5_000,
  untilMs: 9_000,
  createdAtMs: 5_000,
  author: 'ann',
  comment: 'disk swap',
  ...change,
});
const subject = (labels: Labels, change: Partial<SilenceSubject> = {}): SilenceSubject => ({
  alertId: 'a1',
  labels,
  sinceMs: 1_000,
  status: 'firing',
  ...change,
});
const covers = (matchers: readonly Matcher[], labels: Labels) =>
  silenceCovers(stored({ matchers }), subject(labels));

describe('a stored silence', () => {
  it.each([
    ['=', 'n1', { node: 'n1' }, true],
    ['=', 'n1', { node: 'n10' }, false],
    ['=', '', {}, true],
    ['=', '', { node: 'n1' }, false],
    ['!=', 'n1', { node: 'n2' }, true],
    ['!=', 'n1', {}, true],
    ['!=', '', {}, false],
    ['=~', 'n[12]', { node: 'n2' }, true],
    ['=~', 'n[12]', { node: 'xn2' }, false],
    ['=~', 'n1|n2', { node: 'n22' }, false],
    ['=~', 'a|ab', { node: 'ab' }, true],
    ['=~', '.*', {}, true],
    ['=~', '.+', {}, false],
    ['!~', 'n.*', { node: 'n1' }, false],
    ['!~', 'n.*', {}, true],
    ['=~', 'n(', { node: 'n(' }, false],
    ['!~', 'n(', { node: 'x' }, false],
  ] as const)('node%s%j of %j: %s', (op, value, labels, expected) => {
    expect(covers([{ name: 'node', op, value }], labels)).toBe(expected);
  });

  it('needs all its matchers, and at least one', () => {
    const both: Matcher[] = [
      { name: 'node', op: '=', value: 'n1' },
      { name: 'rule', op: '!=', value: 'cpu' },
    ];
    expect(covers(both, { node: 'n1', rule: 'mem' })).toBe(true);
    expect(covers(both, { node: 'n1', rule: 'cpu' })).toBe(false);
    expect(covers([], { node: 'n1' })).toBe(false);
  });

  it('takes time linear in the value, where a backtracking engine takes for ever', () => {
    expect(covers([{ name: 'node', op: '=~', value: '(a*)*b' }], { node: 'a'.repeat(20_000) })).toBe(false);
  });

  it('of an alert covers the breach it was given for, until it resolves, and no later one', () => {
    const acknowledged = stored({ alertId: 'a1' });
    const covered = (change: Partial<SilenceSubject>) => silenceCovers(acknowledged, subject({}, change));
    expect(covered({})).toBe(true);
    expect(covered({ status: 'pending' })).toBe(true);
    expect(covered({ sinceMs: 5_000 })).toBe(true);
    expect(covered({ sinceMs: 5_001 })).toBe(false);
    expect(covered({ status: 'resolved' })).toBe(false);
    expect(covered({ status: 'ok' })).toBe(false);
    expect(covered({ alertId: 'a2' })).toBe(false);
  });

  it('of a breach that lies ahead of a clock that was set back covers it, and not the next', () => {
    const acknowledged = stored({ alertId: 'a1', breachSinceMs: 9_000 });
    const covered = (sinceMs: number) => silenceCovers(acknowledged, subject({}, { sinceMs }));
    expect([9_000, 9_001].map(covered)).toEqual([true, false]);
  });

  it('that is ended has its end then, and never ends before it begins', () => {
    expect(endedAt(stored({}), 6_000)).toMatchObject({ fromMs: 5_000, untilMs: 6_000 });
    expect(endedAt(stored({}), 2_000)).toMatchObject({ fromMs: 2_000, untilMs: 2_000 });
  });
});

describe('matchers', () => {
  it('are refused in words', () => {
    const check = (name: string, value: string) => () => checkMatcher({ name, op: '=~', value });
    expect(check('node', '(?:a|b)+')).not.toThrow();
    expect(check('no de', 'a')).toThrow("'no de' is not a label name");
    expect(check('node', 'a(')).toThrow(/'a\(' is not a regular expression.*missing closing \)/);
    expect(check('node', '(?=a)')).toThrow(ConfigError);
  });

  it('are exact where a glob is', () => {
    expect(fromGlobs({ node: ['n.1'], rule: ['*'], cluster: ['a?', 'b*'] })).toEqual([
      { name: 'node', op: '=', value: 'n.1' },
      { name: 'rule', op: '=~', value: '(?s:.+)' },
      { name: 'cluster', op: '=~', value: 'a(?s:.)|b(?s:.*)' },
    ]);
  });

  it('mean what the globs mean', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', '*', '?', '.', '\\', '한', '😀', '\n'),
      maxLength: 6,
    });
    const globs = fc.array(text, { minLength: 1, maxLength: 3 });
    const values = fc.string({ unit: fc.constantFrom('a', 'b', '.', '\\', '한', '😀', '\n'), maxLength: 6 });
    fc.assert(
      fc.property(globs, fc.option(values, { nil: undefined }), (list, value) => {
        // An empty value and a missing one are the same to matchers.
        fc.pre(value !== '' && !list.includes(''));
        const labels: Labels = value === undefined ? {} : { node: value };
        const silence = { match: { node: list }, fromMs: 0, untilMs: 1, comment: '' };
        expect(silenceCovers(silence, subject(labels))).toBe(labelsMatch({ node: list }, labels));
      }),
      { numRuns: 500 },
    );
  });
});
