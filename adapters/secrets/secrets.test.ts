import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REFERENCE_KINDS } from '../../core/config/secret-text.ts';
import { ConfigError } from '../../core/errors.ts';
import { createRedactor } from './redact.ts';
import { SECRET_SOURCES } from './registry.ts';
import { createSecrets } from './secrets.ts';

const PEM =
  '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\nAAAAAAAAAAAAAAAA\n-----END OPENSSH PRIVATE KEY-----\n';
const UNIT = '/run/credentials/unit';
const FILES: Readonly<Record<string, string>> = {
  '/etc/bartizan/token': 'token-value\n',
  '/etc/bartizan/crlf': 'token-value\r\n',
  '/etc/bartizan/inner': ' two\nlines \n',
  '/etc/bartizan/key': PEM,
  '/home/ops/.ssh/key': PEM,
  '/etc/bartizan/open': PEM,
  '/etc/bartizan/shared': PEM,
  '/run/token': 'absolute-value',
  '/etc/bartizan/empty': '\n',
  '/etc/bartizan/large': 'x'.repeat(70_000),
  '/run/credentials/unit/key': PEM,
  '/run/credentials/unit/chat.token': 'passed-value\n',
  '/run/credentials/unit/open': PEM,
  '/run/credentials/unit/large': 'x'.repeat(70_000),
  '/run/credentials/unit/empty': '',
};
const FAULTS: Readonly<Record<string, string>> = {
  '/etc/bartizan/locked': 'EACCES',
  '/etc/bartizan/folder': 'EISDIR',
  '/run/credentials/unit/folder': 'EISDIR',
};

const secretsOf = (env: Record<string, string> = {}) =>
  createSecrets({
    env,
    home: '/home/ops',
    baseDir: '/etc/bartizan',
    async checkKeyFile(path) {
      if (path.endsWith('/open'))
        return { problem: 'others', mode: '0644', advice: `run \`chmod 600 ${path}\`` };
      if (path !== '/etc/bartizan/shared') return undefined;
      return { problem: 'group', mode: '0640', advice: '' };
    },
    async readFile(path) {
      const content = FILES[path];
      if (content !== undefined) return content;
      throw Object.assign(new Error(`no ${path}`), { code: FAULTS[path] ?? 'ENOENT' });
    },
  });

describe('references', () => {
  it.each([
    ['', ''],
    ['no reference', 'no reference'],
    [`\${env:TOKEN}`, 'from-the-environment'],
    [`Bearer \${env:TOKEN}!`, 'Bearer from-the-environment!'],
    [`\${env:TOKEN}\${file:token}`, 'from-the-environmenttoken-value'],
    [`\${file:token}`, 'token-value'],
    [`\${file:./token}`, 'token-value'],
    [`\${file:crlf}`, 'token-value'],
    [`\${file:inner}`, ' two\nlines '],
    [`\${file:key}`, PEM],
    [`\${file:shared}`, PEM],
    [`\${file:~/.ssh/key}`, PEM],
    [`\${file:/run/token}`, 'absolute-value'],
    [`\${credential:key}`, PEM],
    [`Bearer \${credential:chat.token}`, 'Bearer passed-value'],
  ])('%j is resolved', async (text, value) => {
    expect(
      await secretsOf({ TOKEN: 'from-the-environment', CREDENTIALS_DIRECTORY: UNIT }).resolve(text),
    ).toBe(value);
  });

  it('a reference inside a value is not resolved', async () => {
    expect(await secretsOf({ A: `\${env:B}`, B: 'b' }).resolve(`\${env:A}`)).toBe(`\${env:B}`);
  });

  it('a value is read again at each use', async () => {
    const env: Record<string, string> = { TOKEN: 'old' };
    const secrets = secretsOf(env);
    expect(await secrets.resolve(`\${env:TOKEN}`)).toBe('old');
    env.TOKEN = 'new';
    expect(await secrets.resolve(`\${env:TOKEN}`)).toBe('new');
  });

  it.each([
    [`\${env:MISSING}`, `\${env:MISSING}: the variable is not set`],
    [`\${env:EMPTY}`, `\${env:EMPTY}: the variable is empty`],
    [`\${file:absent}`, `\${file:absent} (/etc/bartizan/absent): there is no such file`],
    [`\${file:/absent}`, `\${file:/absent}: there is no such file`],
    [`\${file:locked}`, `\${file:locked} (/etc/bartizan/locked): this user may not read it`],
    [`\${file:folder}`, `\${file:folder} (/etc/bartizan/folder): it is a folder`],
    [`\${file:empty}`, `\${file:empty} (/etc/bartizan/empty): the file is empty`],
    [`\${file:large}`, `\${file:large} (/etc/bartizan/large): the file is too large for a secret`],
    [
      `\${file:open}`,
      `\${file:open} (/etc/bartizan/open): others than its owner may use this private key (mode 0644); run \`chmod 600 /etc/bartizan/open\``,
    ],
    [`\${credential:absent}`, `\${credential:absent} (${UNIT}/absent): there is no such file`],
    [`\${credential:folder}`, `\${credential:folder} (${UNIT}/folder): it is a folder`],
    [`\${credential:empty}`, `\${credential:empty} (${UNIT}/empty): the file is empty`],
    [`\${credential:large}`, `\${credential:large} (${UNIT}/large): the file is too large for a secret`],
    [
      `\${credential:open}`,
      `\${credential:open} (${UNIT}/open): others than its owner may use this private key (mode 0644); run \`chmod 600 ${UNIT}/open\``,
    ],
    [`\${vault:x}`, `\${vault:x}: the kind of a reference is env or file or credential or ssm`],
  ])('%s fails with its name', async (text, message) => {
    const failed = secretsOf({ EMPTY: '', CREDENTIALS_DIRECTORY: UNIT }).resolve(`with literal-part ${text}`);
    await expect(failed).rejects.toThrow(new ConfigError(message));
  });

  it('a credential outside of a service fails with what is missing', async () => {
    await expect(secretsOf().resolve(`\${credential:key}`)).rejects.toThrow(
      new ConfigError(
        '${credential:key}: the variable CREDENTIALS_DIRECTORY is not set; systemd sets it for a service that has `LoadCredential=key:FILE`',
      ),
    );
  });

  it('no more than the limit is read of a file without an end', async () => {
    const secrets = createSecrets({ baseDir: '/' });
    await expect(secrets.resolve('${file:/dev/zero}')).rejects.toThrow(
      '${file:/dev/zero}: the file is too large for a secret',
    );
  });

  it('nothing waits for a writer of a pipe', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'bartizan-secrets-'));
    try {
      const pipe = join(dir, 'pipe');
      execFileSync('mkfifo', [pipe]);
      await expect(createSecrets({ baseDir: dir }).resolve('${file:pipe}')).rejects.toThrow(
        `\${file:pipe} (${pipe}): it is a pipe, and a secret is read again at each use`,
      );
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('every kind that the configuration knows has a source', () => {
    expect(Object.keys(SECRET_SOURCES)).toEqual([...REFERENCE_KINDS]);
  });
});

describe('redaction', () => {
  const SECRET = 'p@ss "word"/+\\ü';
  it.each([
    ['plain', (s: string) => `key=${s};`],
    ['in a URL', (s: string) => `http://x/?key=${encodeURIComponent(s)}&b`],
    ['in a form', (s: string) => new URLSearchParams({ key: s }).toString()],
    ['in JSON', (s: string) => JSON.stringify({ body: s })],
    ['in JSON in JSON', (s: string) => JSON.stringify({ log: JSON.stringify({ body: s }) })],
    ['in base64', (s: string) => Buffer.from(s).toString('base64')],
    ['in an Authorization header', (s: string) => `Basic ${Buffer.from(`me:${s}`).toString('base64')}`],
    ['behind one byte', (s: string) => Buffer.from(`x${s}y`).toString('base64')],
  ])('a value %s is replaced', async (_where, wrap) => {
    const secrets = secretsOf({ S: SECRET });
    const text = wrap(await secrets.resolve(`\${env:S}`));
    const safe = secrets.redact(text);
    expect(safe).toContain('<secret>');
    for (const form of [SECRET, 'ss "word', 'word', Buffer.from(SECRET).toString('base64').slice(4, 12)]) {
      expect(safe).not.toContain(form);
    }
  });

  // With this secret `-` and `_` stand in the base64url of every offset, where base64 has `+` and `/`.
  it.each([0, 1, 2])('a value in base64url is replaced, %i bytes behind the start', async (offset) => {
    const secret = '~?>pass~?>w>?~';
    const secrets = secretsOf({ S: secret });
    await secrets.resolve(`\${env:S}`);
    const carrier = Buffer.from(`${'x'.repeat(offset)}${secret}yyy`).toString('base64url');
    expect(carrier).toMatch(/-.*_|_.*-/);
    expect(secrets.redact(`token=${carrier}`)).toMatch(/^token=\w{0,3}<secret>\w{0,5}$/);
  });

  it('the lines of a key are replaced one by one, BEGIN and END are not', async () => {
    const secrets = secretsOf();
    await secrets.resolve(`\${file:key}`);
    expect(secrets.redact(`cannot parse AAAAAAAAAAAAAAAA at ${PEM}`)).toBe(
      'cannot parse <secret> at <secret>',
    );
    expect(secrets.redact('-----BEGIN OPENSSH PRIVATE KEY-----')).toBe('-----BEGIN OPENSSH PRIVATE KEY-----');
  });

  it('a short value, and one not resolved yet, are left alone', async () => {
    const secrets = secretsOf({ SHORT: 'abcde', LATER: 'not-yet-resolved' });
    await secrets.resolve(`\${env:SHORT}`);
    expect(secrets.redact('abcde not-yet-resolved')).toBe('abcde not-yet-resolved');
  });

  it('a value that contains another is replaced as a whole', async () => {
    const secrets = secretsOf({ A: 'secret', B: 'secret-and-more' });
    await secrets.resolve(`\${env:A}\${env:B}`);
    expect(secrets.redact('secret-and-more, secret')).toBe('<secret>, <secret>');
  });

  it('no value is left in any form, and other text is untouched', () => {
    const value = fc.string({ unit: 'grapheme', minLength: 6, maxLength: 40 });
    fc.assert(
      fc.property(value, fc.string({ maxLength: 20 }), (secret, around) => {
        const redactor = createRedactor();
        redactor.add(secret);
        const carriers = [
          secret,
          encodeURIComponent(secret),
          JSON.stringify(secret),
          Buffer.from(`${around}${secret}`).toString('base64'),
        ];
        for (const carrier of carriers) {
          if (carrier.length < 8) continue;
          expect(redactor.redact(`${around}|${carrier}|`)).not.toContain(carrier);
        }
        expect(createRedactor().redact(around)).toBe(around);
      }),
      // The Kelvin sign becomes a k in lower case, but no encoding contains a k for it.
      { examples: [[' \u212a    ', '']] },
    );
  });
});
