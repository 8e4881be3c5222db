import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPlainYaml } from './plain-yaml.ts';
import { readYaml } from './yaml-document.ts';

const TEXT = `# a fleet
bastions:
  - { name: seoul, host: bastion.example.net, user: probe, privateKey: "\${file:~/.ssh/key}", hostKeys: [] }
clusters:
- name: prod
  bastion: seoul
  privateKey: \${file:~/.ssh/key}
  nodes:
    - { name: prod-1, role: etcd, host: 10.0.1.11, port: 22, hostKeys: [ssh-ed25519 AAAA] }
    - name: 'prod-2'
      role: etcd
      host: h
      hostKeys:
        - ssh-ed25519 AAAA+/=
        - "ssh-rsa BBBB"

rules: [{ name: a, metric: up, below: 0.5, for: 1h30m }]
store: { path: ./data, retention: 7d }
routes: []
silences:
  - match: { cluster: prod }
    from: 2027-01-01T00:00:00Z
`;

const fragments = fc.constantFrom(
  ...['', '\n', '\n  ', '  ', ' ', '\t', ':', ': ', '- ', '-', '#', ' #', '"', "'", '{', '}', '[', ']', ','],
  ...[
    '|',
    '>',
    '&a ',
    '*a',
    '!x ',
    '---\n',
    '<<: ',
    '? ',
    '~',
    'null',
    'Yes',
    'true',
    '5',
    '0x1',
    '1e3',
    '.5',
  ],
  ...[
    '-1',
    '1_000',
    '\\',
    '%',
    '@',
    '한',
    'name: ',
    'a: b',
    '__proto__: ',
    'x',
    '0o7',
    '2027-01-01',
    '\r',
    '$',
    '\u00a0',
    '\u3000',
    '\v',
    '\f',
    '\u0085',
    '\u0001',
    '\u200b',
  ],
);
const edits = fc.array(
  fc.record({ at: fc.nat({ max: TEXT.length }), length: fc.nat({ max: 4 }), text: fragments }),
  { maxLength: 3 },
);

/** What the library reads, where it finds nothing wrong. */
function byLibrary(text: string): unknown {
  const document = readYaml(text);
  return document.findings.length > 0 ? 'an error' : document.dataOf(document.root);
}

describe('plain YAML', () => {
  it('is read at all', () => {
    expect(readPlainYaml(TEXT)).toEqual(byLibrary(TEXT));
    expect(readPlainYaml(TEXT)).toMatchObject({ rules: [{ below: 0.5, for: '1h30m' }], routes: [] });
  });

  it('is what the library reads, whatever the text is, or is left to it', () => {
    fc.assert(
      fc.property(edits, (changes) => {
        const text = changes.reduce(
          (before, { at, length, text: put }) => before.slice(0, at) + put + before.slice(at + length),
          TEXT,
        );
        const data = readPlainYaml(text);
        if (data !== undefined) expect(data).toEqual(byLibrary(text));
      }),
      { numRuns: 600 },
    );
  });

  it.each(['examples/aws/bartizan.yaml', 'test/fixtures/broken.yaml'])('of %s is no other', (file) => {
    const text = readFileSync(file, 'utf8');
    expect([undefined, byLibrary(text)]).toContainEqual(readPlainYaml(text));
  });
});
