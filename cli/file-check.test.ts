import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../core/errors.ts';
import { newKey } from '../localstack/fleet/new-key.ts';
import { loadConfig, secretsFor } from './config-file.ts';
import { checkFiles } from './file-check.ts';

let dir: string;
let file: string;
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'bartizan-files-')));
  file = join(dir, 'bartizan.yaml');
  writeFileSync(
    file,
    `bastions:
  - { name: gate, host: gate, user: u, privateKey: "\${file:key}", passphrase: "\${file:phrase}" }
clusters: [{ name: prod, bastion: gate, nodes: [{ name: n1, role: etcd, host: h, user: u }] }]
channels: [{ name: ops, type: webhook, url: "https://x.example/\${file:${dir}/token}", ca: "\${file:ca.pem}" }]
store: { path: data }
signatures: { file: signatures.json }
`,
    { mode: 0o644 },
  );
  mkdirSync(join(dir, 'data'), { mode: 0o700 });
  for (const [name, content, mode] of [
    ['key', newKey(), 0o600],
    ['phrase', 'open sesame', 0o600],
    ['token', 'a-token', 0o640],
    ['ca.pem', '-----BEGIN CERTIFICATE-----', 0o644],
    ['data/known_hosts', '', 0o644],
    ['data/state.db', '', 0o644],
    ['signatures.json', '', 0o644],
  ] as const)
    writeFileSync(join(dir, name), content, { mode });
});
afterEach(() => rmSync(dir, { recursive: true }));

const found = async () => {
  const problems = await checkFiles(file, (await loadConfig(file)).config);
  return problems.map(({ severity, line, column, message, suggestion }) =>
    `${severity} ${line}:${column} ${message} = ${suggestion}`.replaceAll(dir, '.'),
  );
};

describe('the check of files', () => {
  it('reports nothing when only we can read and write them', async () => {
    expect(await found()).toEqual([]);
  });

  it('warns of a file that is to be a private key and is none', async () => {
    for (const [content, name, advice] of [
      ['ssh-ed25519 AAAA', 'key.pub', 'name the file without `.pub`'],
      ['-----BEGIN CERTIFICATE-----', 'cert', '`up` does not start with it'],
    ] as const) {
      writeFileSync(file, readFileSync(file, 'utf8').replace(/file:(key|key.pub)}/, `file:${name}}`));
      writeFileSync(join(dir, name), content, { mode: 0o644 });
      expect(await found()).toEqual([
        `warning 2:53 \${file:${name}} (./${name}): this is no private key = ${advice}`,
      ]);
    }
  });

  it.each([
    [
      'key',
      0o644,
      'error 2:53 ${file:key} (./key): others than its owner may use this private key (mode 0644); it is refused = run `chmod 600 ./key`',
    ],
    [
      'key',
      0o640,
      'warning 2:53 ${file:key} (./key): the group of the file may use this private key (mode 0640) = run `chmod 600 ./key`',
    ],
    [
      'phrase',
      0o644,
      'warning 2:80 ${file:phrase} (./phrase): others than its owner may read this secret (mode 0644) = run `chmod o= ./phrase`',
    ],
    [
      'token',
      0o644,
      'warning 4:64 ${file:./token}: others than its owner may read this secret (mode 0644) = run `chmod o= ./token`',
    ],
    [
      'data/known_hosts',
      0o666,
      'warning 1:1 ./data/known_hosts can be written by everybody (mode 0666); it decides which hosts we trust = run `chmod o-w ./data/known_hosts`',
    ],
    [
      'data/state.db',
      0o646,
      'warning 1:1 ./data/state.db can be written by everybody (mode 0646); it contains the state of alerts = run `chmod o-w ./data/state.db`',
    ],
    [
      'signatures.json',
      0o666,
      'warning 1:1 ./signatures.json can be written by everybody (mode 0666); nodes refuse scripts without its signatures = run `chmod o-w ./signatures.json`',
    ],
    [
      'data',
      0o777,
      'warning 1:1 ./data can be written by everybody (mode 0777); it contains known_hosts and the state of alerts = run `chmod o-w ./data`',
    ],
    [
      'bartizan.yaml',
      0o666,
      'warning 1:1 ./bartizan.yaml can be written by everybody (mode 0666); it decides where we log in and whom we alert = run `chmod o-w ./bartizan.yaml`',
    ],
    [
      '',
      0o777,
      'warning 1:1 . can be written by everybody (mode 0777); ./data can be replaced there: it contains known_hosts and the state of alerts = run `chmod o-w .`',
    ],
  ])('reports %s with mode %o once', async (name, mode, problem) => {
    chmodSync(join(dir, name), mode);
    expect(await found()).toEqual([problem]);
  });

  it('does not read pipes, and ignores missing files', async () => {
    rmSync(join(dir, 'key'));
    execFileSync('mkfifo', ['-m', '644', join(dir, 'key')]);
    rmSync(join(dir, 'token'));
    expect(await found()).toEqual([]);
  });

  it('checks the parent of a data folder that does not exist yet', async () => {
    rmSync(join(dir, 'data'), { recursive: true });
    expect(await found()).toEqual([]);
    chmodSync(dir, 0o777);
    expect(await found()).toHaveLength(1);
  });
});

it('no command uses a private key that others may read', async () => {
  chmodSync(join(dir, 'key'), 0o604);
  await expect(secretsFor(file).resolve('${file:key}')).rejects.toThrow(
    new ConfigError(
      `\${file:key} (${dir}/key): others than its owner may use this private key (mode 0604); run \`chmod 600 ${dir}/key\``,
    ),
  );
  chmodSync(join(dir, 'key'), 0o640);
  expect(await secretsFor(file).resolve('${file:key}')).toContain('PRIVATE KEY');
});
