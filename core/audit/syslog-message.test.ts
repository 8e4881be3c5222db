import { expect, it } from 'vitest';
import { framed, MOST_BYTES, severityOf, syslogMessage } from './syslog-message.ts';

const SETTINGS = { facility: 'audit', enterprise: 32_473, hostName: 'probe-1' } as const;
const fields = {
  sequence: 7,
  at: '2026-11-30T12:00:00.123Z',
  kind: 'exec',
  actor: 'cli:kim',
  target: 'prod/n1',
  outcome: 'ok',
};
const message = (more: object = {}, settings: object = {}) => {
  const all = { ...fields, ...more };
  return syslogMessage(JSON.stringify(all), all, { ...SETTINGS, ...settings });
};

it('a line is a message of RFC 5424 with its fields as structured data, and the whole line behind', () => {
  expect(message()).toBe(
    '<110>1 2026-11-30T12:00:00.123Z probe-1 bartizan - exec ' +
      '[bartizan@32473 sequence="7" kind="exec" actor="cli:kim" target="prod/n1" outcome="ok"] ' +
      JSON.stringify(fields),
  );
});

it.each([
  ['ok', 6],
  ['opened', 6],
  ['timeout', 4],
  ['unreachable', 4],
  ['auth', 3],
  ['host-key', 3],
  ['tried-again', 5],
])('outcome %s has severity %d', (outcome, severity) => {
  expect(message({ outcome })).toMatch(new RegExp(`^<${13 * 8 + severity}>1 `));
});

it('a chain that began anew is an alert, a removal after retention only a notice', () => {
  expect(severityOf({ event: 'chain-started' })).toBe('alert');
  expect(severityOf({ event: 'lines-removed' })).toBe('notice');
});

it('the facility is the configured one', () => {
  expect(message({}, { facility: 'local3' })).toMatch(/^<158>1 /);
});

it.each([
  ['a"b\\c]d', 'actor="a\\"b\\\\c\\]d"'],
  ['a\nb\u0000c\u0085d\u2028e', 'actor="a b c d e"'],
  ['김민지', 'actor="김민지"'],
  ['\ud800', 'actor="\ufffd"'],
])('a value %j is escaped', (actor, expected) => {
  expect(message({ actor })).toContain(` ${expected} `);
});

it.each([
  ['hostName', { hostName: 'my host\n\u00e9' }, / my_host__ bartizan /],
  ['an empty host', { hostName: '' }, /Z - bartizan /],
])('%s fits into the header', (_, settings, expected) => {
  expect(message({}, settings)).toMatch(expected);
});

it('a line without a time, or with a long kind, has a header all the same', () => {
  expect(message({ at: undefined, kind: 'k'.repeat(99) })).toMatch(/^<110>1 - probe-1 bartizan - k{32} \[/);
});

it('a message that no receiver need take keeps its structured data, and says what is missing', () => {
  const long = message({ detail: 'x'.repeat(MOST_BYTES), command: 'y'.repeat(1_000) });
  expect(Buffer.byteLength(long)).toBeLessThan(MOST_BYTES);
  expect(long).toMatch(/command="y{256}" .* tooLong="\d{4}"\]$/);
});

it('a frame counts bytes, not characters', () => {
  expect(framed('a김')).toBe('4 a김');
});
