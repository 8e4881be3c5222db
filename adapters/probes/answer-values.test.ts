import { RE2JS } from 're2js';
import { expect, it } from 'vitest';
import { matchesText, readPatterns } from './answer-values.ts';

const LARGE = '(?s)(.{1,200}){1,4}([0-9])';
const HOSTILE = 'a'.repeat(16 * 1024);

/** CPU time of this process in µs: the work of others does not count. */
function costOf(run: () => unknown): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

it('a pattern with large repetitions takes a fraction of what its groups would, whatever the text is', () => {
  const groups = costOf(() => RE2JS.compile(LARGE).matcher(HOSTILE).find());
  expect(costOf(() => matchesText(LARGE, HOSTILE))).toBeLessThan(groups / 4);
});

it.each<[string, string, string, number | undefined]>([
  ['the first line that matches', 'lag: 3\nlag: 4', '^lag: ([0-9]+)$', 3],
  ['the first parentheses', 'a 1 b 2', '([0-9]+) b ([0-9]+)', 1],
  ['parentheses that took no part', 'b', '(a)?b', undefined],
  ['a negative number', 't: -2.5', 't: (\\S+)', -2.5],
  ['too many digits', `n: ${'9'.repeat(40)}`, 'n: (.*)', undefined],
  ['a line behind the limit', `${'x'.repeat(1_024)}7`, '([0-9])', undefined],
  ['a text behind the limit', `${'x\n'.repeat(8 * 1_024)}7`, '([0-9])', undefined],
])('the number of a pattern: %s', async (_, text, pattern, value) => {
  const what = { what: 'the output', labels: { check: 'own' } };
  const { readings, notes } = await readPatterns(text, { ...what, patterns: { n: pattern } });
  expect(readings.map((reading) => reading.value)).toEqual(value === undefined ? [] : [value]);
  expect(notes).toHaveLength(value === undefined ? 1 : 0);
});
