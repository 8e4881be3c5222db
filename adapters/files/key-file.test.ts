import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newKey } from '../../localstack/fleet/new-key.ts';
import { checkKeyFile, isPrivateKey } from './key-file.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-key-'));
  writeFileSync(join(dir, 'key'), newKey());
  symlinkSync('key', join(dir, 'link'));
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('the file of a private key', () => {
  it.each([
    [0o600, undefined],
    [0o400, undefined],
    [0o700, undefined],
    [0o640, 'group'],
    [0o440, 'group'],
    [0o620, 'group'],
    [0o644, 'others'],
    [0o604, 'others'],
    [0o602, 'others'],
    [0o666, 'others'],
  ])('with mode %o', async (mode, problem) => {
    for (const name of ['key', 'link']) {
      chmodSync(join(dir, 'key'), mode);
      const path = join(dir, name);
      const access = await checkKeyFile(path, undefined);
      expect(access?.problem).toBe(problem);
      if (problem !== undefined)
        expect(access).toEqual({
          problem,
          mode: `0${mode.toString(8)}`,
          advice: `run \`chmod 600 ${path}\``,
        });
    }
  });
});

it.each([
  ['OpenSSH', newKey(), true],
  ['PKCS#1', '-----BEGIN RSA PRIVATE KEY-----\nx', true],
  ['PKCS#8 with a passphrase', '-----BEGIN ENCRYPTED PRIVATE KEY-----', true],
  ['PKCS#8 behind a comment', 'of us\n-----BEGIN PRIVATE KEY-----\nx', true],
  ['PuTTY', 'PuTTY-User-Key-File-3: ssh-ed25519\n', true],
  ['a certificate', '-----BEGIN CERTIFICATE-----', false],
  ['a public key', '-----BEGIN PUBLIC KEY-----', false],
  ['a token', 'xoxb-1-PRIVATE KEY-----', false],
])('%s is distinguished from other files', (_what, text, expected) => {
  expect(isPrivateKey(text)).toBe(expected);
});
