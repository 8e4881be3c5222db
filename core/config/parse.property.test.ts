import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OPTIONS } from '../../test/config-cases.ts';
import { parseConfig } from './parse.ts';

/** Stands wherever a secret can stand, so that nothing that is told may hold it. */
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

/** Slips of the pen, and whole lines lost: after the latter a secret may well stand where a name should. */
const slips = mutated(fc.nat({ max: 3 }));
const wrecks = mutated(fc.oneof(fc.constant(0), fc.nat({ max: 3 }), fc.nat({ max: 60 })));

describe('whatever the text is', () => {
  it('nothing is thrown, every place is in the file, and every message is one line', () => {
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

  it('nothing that is told holds a secret of the file', () => {
    fc.assert(
      fc.property(slips, (text) => {
        const result = parseConfig(text, OPTIONS);
        expect(JSON.stringify(result.ok ? result.warnings : result.problems)).not.toContain(SECRET);
      }),
      { numRuns: 800 },
    );
  });

  it('aliases of aliases are cut off', () => {
    const levels = Array.from({ length: 30 }, (_, i) => `x${i + 1}: &x${i + 1} [${`*x${i}, `.repeat(9)}]`);
    const result = parseConfig(`x0: &x0 [a]\n${levels.join('\n')}\n`, OPTIONS);
    expect(!result.ok && result.problems.some(({ message }) => message === 'aliases repeat too much')).toBe(
      true,
    );
  });

  it('depth is cut off', () => {
    for (const text of [`a: ${'['.repeat(50_000)}`, `a: ${'{a: '.repeat(200)}x${'}'.repeat(200)}`]) {
      expect(parseConfig(text, OPTIONS).ok).toBe(false);
    }
  });
});
