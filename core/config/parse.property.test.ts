import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OPTIONS } from '../../test/config-cases.ts';
import { parseConfig } from './parse.ts';

/** In each field that may hold a secret: no problem may contain it. */
const SECRET = 'Xq7hunter2Zk9';

const TEXT = `# one of everything
bastions:
  - name: seoul
    host: bastion.example.net
    user: probe
    privateKey: |
      -----BEGIN OPENSSH PRIVATE KEY-----
      ${SECRET}
      -----END OPENSSH PRIVATE KEY-----
    hostKeys: [ssh-ed25519 AAAA]
    deadlines: { dial: 5s, exec: 15s }
clusters:
  - &prod
    name: prod
    bastion: seoul
    privateKey: ${SECRET}
    nodes:
      - { name: prod-1, role: apiserver, host: 10.0.1.11 }
      - { name: prod-2, role: etcd, host: 10.0.1.12, port: 22 }
  - <<: *prod
    name: staging
checks:
  - { name: usage, probe: usage, every: 1m, top: 5 }
rules:
  - { name: a, metric: mem_usage, above: 90, for: 5m, inhibitedBy: [b], where: { cluster: "p*" } }
  - { name: b, metric: up, below: 1, for: 1m, severity: critical }
channels:
  - name: ops
    type: webhook
    url: https://chat.example.net/${SECRET}
    secret: "${SECRET}"
    headers: { Authorization: Bearer ${SECRET} }
    fallback: mail
  - { name: mail, type: mail, to: [ops@example.net] }
routes:
  - { name: r, match: { severity: critical }, channels: [ops], continue: true, groupBy: [rule] }
  - { name: rest, channels: [mail] }
silences:
  - { match: { cluster: prod }, from: 2027-01-01T00:00:00Z, until: 2027-01-02T00:00:00Z }
store: { path: ./data, retention: 7d }
schedule: { timeZone: UTC, jitter: 0s }
server: { listen: "127.0.0.1:9470" }
`;

interface Edit {
  at: number;
  length: number;
  text: string;
}

const fragments = fc.constantFrom(
  ...[
    '',
    '\n',
    '\n  ',
    '  ',
    '\t',
    ':',
    ': ',
    '- ',
    '#',
    ' #',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    ',',
    '|',
    '>',
    '&a ',
    '*a',
    '*prod',
  ],
  ...[
    '!x ',
    '---\n',
    '<<: ',
    '? ',
    '~',
    'null',
    'true',
    '5',
    '-1',
    '.nan',
    '1e99',
    `\${env:A}`,
    '${',
    '\\',
    '%',
    '@',
    '\u0000',
    '한',
  ],
  ...['name: ', 'secret: ', 'nodes: ', 'rol: ', '__proto__: ', 'constructor: ', 'x'],
);
function mutated(lengths: fc.Arbitrary<number>): fc.Arbitrary<string> {
  const edit: fc.Arbitrary<Edit> = fc.record({
    at: fc.nat({ max: TEXT.length }),
    length: lengths,
    text: fragments,
  });
  const apply = (text: string, { at, length, text: put }: Edit) =>
    text.slice(0, at) + put + text.slice(at + length);
  return fc.array(edit, { minLength: 1, maxLength: 6 }).map((edits) => edits.reduce(apply, TEXT));
}

/** Small mistakes, and lost lines: after the latter a secret may be in the field of a name. */
const slips = mutated(fc.nat({ max: 3 }));
const wrecks = mutated(fc.oneof(fc.constant(0), fc.nat({ max: 3 }), fc.nat({ max: 60 })));

describe('for any text', () => {
  it('parsing never throws, every location is in the file, and every message is one line', () => {
    const anything = fc.oneof(
      { weight: 9, arbitrary: wrecks },
      { weight: 1, arbitrary: fc.string({ unit: 'grapheme' }) },
    );
    fc.assert(
      fc.property(anything, (text) => {
        const result = parseConfig(text, { ...OPTIONS, available: () => false });
        const problems = result.ok ? result.warnings : result.problems;
        if (!result.ok) expect(problems.some(({ severity }) => severity === 'error')).toBe(true);
        const lines = text.replace(/^\ufeff/, '').split('\n');
        for (const { line, column, message, suggestion, excerpt } of problems) {
          expect(line).toBeLessThanOrEqual(lines.length);
          expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1);
          expect(message).toMatch(/^[^\n]+$/);
          if (suggestion !== undefined) expect(suggestion).toMatch(/^[^\n]+$/);
          if (excerpt)
            expect(excerpt.start + excerpt.length).toBeLessThanOrEqual(Math.max(1, excerpt.text.length + 1));
        }
      }),
      { numRuns: 800 },
    );
  });

  it('no problem holds a secret of the file', () => {
    fc.assert(
      fc.property(slips, (text) => {
        const result = parseConfig(text, OPTIONS);
        expect(JSON.stringify(result.ok ? result.warnings : result.problems)).not.toContain(SECRET);
      }),
      { numRuns: 800 },
    );
  });

  it('a limit stops aliases of aliases', () => {
    const levels = Array.from({ length: 30 }, (_, i) => `x${i + 1}: &x${i + 1} [${`*x${i}, `.repeat(9)}]`);
    const result = parseConfig(`x0: &x0 [a]\n${levels.join('\n')}\n`, OPTIONS);
    expect(!result.ok && result.problems.some(({ message }) => message === 'aliases repeat too much')).toBe(
      true,
    );
  });

  it('any number of problems is reported', () => {
    // More than a call takes arguments.
    const channels = '      - nope\n'.repeat(130_000);
    const result = parseConfig(`routes:\n  - name: r\n    channels:\n${channels}`, OPTIONS);
    expect(!result.ok && result.problems.length).toBeGreaterThan(130_000);
    const merges = `a: &a { x: 1 }\nb: { <<: [${'*a, '.repeat(130_000)}] }\n`;
    expect(parseConfig(merges, OPTIONS).ok).toBe(false);
  });

  it('a limit stops deep nesting', () => {
    for (const text of [`a: ${'['.repeat(50_000)}`, `a: ${'{a: '.repeat(200)}x${'}'.repeat(200)}`]) {
      expect(parseConfig(text, OPTIONS).ok).toBe(false);
    }
  });
});
