import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newKey, publicKeyOf } from '../../localstack/fleet/new-key.ts';
import { parsePrivateKey } from './private-keys.ts';

describe('private keys', () => {
  it.each([
    ['ed25519', 'ssh-ed25519', undefined],
    ['ec', 'ecdsa-sha2-nistp256', undefined],
    ['rsa', 'ssh-rsa', 'sha256'],
  ] as const)('of openssl (PKCS#8) are read: %s', (type, expected, hash) => {
    const key = parsePrivateKey(newKey(type), 'key');
    expect(key.type).toBe(expected);
    const signature = key.sign('text', hash);
    expect(key.verify('text', signature, hash)).toBe(true);
    expect(key.verify('other', signature, hash)).toBe(false);
  });

  it.each([
    ['PKCS#8', 'pkcs8'],
    ['PEM', 'pkcs1'],
  ] as const)('with a passphrase are read: %s', (_, type) => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' },
    });
    expect(parsePrivateKey(privateKey, 'key', 'open sesame').type).toBe('ssh-rsa');
    expect(() => parsePrivateKey(privateKey, 'key', 'hunter2')).toThrow(
      /^key: the passphrase does not open the private key$/,
    );
    expect(() => parsePrivateKey(privateKey, 'key')).toThrow(
      /^key: the private key is protected by a passphrase; write a reference to it in `passphrase`$/,
    );
  });

  it('without a passphrase are read with one', () => {
    expect(parsePrivateKey(newKey(), 'key', 'for nothing').type).toBe('ssh-ed25519');
  });

  it.each([
    ['nothing', '', /^key of b: the private key is empty$/],
    ['something else', 'hunter2-hunter2', /^key of b: not a private key in OpenSSH or PEM format$/],
    [
      'a broken key',
      newKey().replace(/[A-Z]{4}/, '****'),
      /^key of b: not a private key in OpenSSH or PEM format$/,
    ],
    ['a public key', publicKeyOf(newKey()), /^key of b: this is a public key; the private one is needed$/],
    [
      'a key with a passphrase, of OpenSSH',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABAkkNV+Yc\n-----END OPENSSH PRIVATE KEY-----',
      /^key of b: the private key is protected by a passphrase/,
    ],
    [
      'a key with a passphrase, in PEM',
      '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGbMFcGCSqGSIb3DQEFDTBK\n-----END ENCRYPTED PRIVATE KEY-----',
      /^key of b: the private key is protected by a passphrase/,
    ],
  ])('that are %s are refused with a reason that reveals nothing of them', (_, text, message) => {
    let error: unknown;
    try {
      parsePrivateKey(text, 'key of b');
    } catch (cause) {
      error = cause;
    }
    expect(error).toMatchObject({ name: 'ConfigError', message: expect.stringMatching(message) });
    expect(String(error)).not.toContain('hunter2');
  });
});
