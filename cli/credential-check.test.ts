import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeCertificate } from '../test/certificates.ts';
import { loadConfig } from './config-file.ts';
import { checkCredentials } from './credential-check.ts';

let dir: string;
let file: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-credentials-'));
  file = join(dir, 'bartizan.yaml');
  const own = await makeCertificate(['a']);
  const other = await makeCertificate(['b']);
  for (const [name, content] of Object.entries({
    'ca.crt': own.cert,
    'none.crt': 'none',
    'client.crt': own.cert,
    'client.key': own.key,
    'other.key': other.key,
    token: 'two\nlines',
  }))
    writeFileSync(join(dir, name), content, { mode: 0o600 });
});
afterEach(() => rmSync(dir, { recursive: true }));

async function problemsOf(options: string, server = '{}'): Promise<string[]> {
  writeFileSync(
    file,
    `bastions: [{ name: gate, host: gate, user: u, agent: /run/agent }]
clusters: [{ name: prod, bastion: gate, nodes: [{ name: n1, role: apiserver, host: h }] }]
checks:
  - { name: usage, probe: usage }
  - { name: api, probe: apiserver, ${options} }
server: ${server}
`,
  );
  const problems = await checkCredentials(file, (await loadConfig(file)).config);
  return problems.map(({ severity, line, column, message }) => `${severity} ${line}:${column} ${message}`);
}

const pair = (key: string) =>
  `ca: "\${file:ca.crt}", clientCertificate: "\${file:client.crt}", clientKey: "\${file:${key}}"`;
it.each<[string, string, string[]]>([
  ['no credential', 'port: 6443', []],
  ['a right pair', pair('client.key'), []],
  [
    'the key of another',
    pair('other.key'),
    ['error 5:111 check `api`, `clientKey`: the private key does not belong to `clientCertificate`'],
  ],
  [
    'no certificate',
    'ca: "${file:none.crt}"',
    ['error 5:41 check `api`, `ca`: it holds no certificate (PEM) that can be read'],
  ],
  [
    'a token in two lines',
    'ca: "${file:ca.crt}", token: "${file:token}"',
    [
      'error 5:66 check `api`, `token`: the token has blanks, line breaks or other characters that no header can carry',
    ],
  ],
  ['a file that is not here', 'ca: "${file:missing.crt}"', []],
  ['a parameter, which only its service knows', 'ca: "${file:none.crt}", token: "${ssm:/a}"', []],
])('%s', async (_, options, expected) => {
  expect(await problemsOf(options)).toEqual(expected);
});

it('a pipe is not emptied', async () => {
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  expect(await problemsOf('ca: "${file:pipe}"')).toEqual([]);
});

it.each([
  ['client.key', []],
  ['other.key', ['error 6:25 server.tls: `key` is the key of another certificate than `cert`']],
  [
    'token',
    [
      'error 6:25 server.tls: `cert` or `key` is nothing in PEM that can be used, or the key needs a passphrase; write one without',
    ],
  ],
  // Another machine has it.
  ['absent.key', []],
])('checks the certificate of the server beside the key %s', async (key, problems) => {
  const tls = `{ tls: { cert: "\${file:client.crt}", key: "\${file:${key}}" } }`;
  expect(await problemsOf('port: 6443', tls)).toEqual(problems);
});
