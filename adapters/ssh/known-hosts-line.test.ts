import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hash } from '../../test/openssh/known-hosts-lines.ts';
import { hashedName, hostPatterns, listMatches, readKnownHostsLine } from './known-hosts-line.ts';

const TYPE = 'ssh-ed25519';
const BASE64 = 'AAAAC3NzaC1lZDI1NTE5AAAAIH1QEaabql8lWbk+yc5xS0bcTXUsiYMxCtvMtKoJx+np';
const KEY = `${TYPE} ${BASE64}`;

/** A blob of fields: the length of each in four bytes, then the field. */
const blobOf = (...fields: (string | Buffer)[]) =>
  Buffer.concat(
    fields.map((field) => {
      const bytes = Buffer.from(field);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    }),
  );
const lineOf = (type: string, blob: Buffer) => `gate ${type} ${blob.toString('base64')}`;

describe('a line', () => {
  it.each([
    ['  ', 'gate', ` ${KEY} a comment`],
    ['@revoked\t', 'a,b', `\t${KEY}`],
    [' @revoked \t', 'a', `  ${TYPE} \t${BASE64}`],
    ['', '|1|x|y', ` ${TYPE}\t${BASE64}`],
  ])('is what it was when its parts are joined: %j %j %j', (before, hosts, after) => {
    const line = readKnownHostsLine(`${before}${hosts}${after}`);
    expect(line).toEqual({
      before,
      hosts,
      after,
      revoked: before.includes('@'),
      key: { type: TYPE, base64: BASE64 },
    });
  });

  it('may end as lines of Windows do', () => {
    expect(readKnownHostsLine(`gate ${KEY}\r`)?.key).toEqual({ type: TYPE, base64: BASE64 });
  });

  it('ends at a NUL, as a line of C', () => {
    expect(readKnownHostsLine(`gate ${KEY}\0 more`)?.after).toBe(` ${KEY}`);
    expect(readKnownHostsLine(`gate\0 ${KEY}`)).toBeUndefined();
  });

  it.each([
    [
      'a field longer than the rest',
      lineOf('ssh-rsa', Buffer.concat([blobOf('ssh-rsa'), Buffer.from([0, 0, 0, 9, 1])])),
    ],
    [
      'a length that is cut off',
      lineOf('ssh-rsa', Buffer.concat([blobOf('ssh-rsa', 'e'), Buffer.from([0, 0])])),
    ],
    ['nothing but its type', lineOf('ssh-rsa', blobOf('ssh-rsa'))],
    ['another type within', lineOf('ssh-rsa', blobOf('ssh-dss', 'e'))],
    ['an Ed25519 key that is short', lineOf(TYPE, blobOf(TYPE, Buffer.alloc(31)))],
    ['an Ed25519 key with more behind it', lineOf(TYPE, blobOf(TYPE, Buffer.alloc(32), 'x'))],
    ['base64 that is not canonical', `gate ${TYPE} ${BASE64}==`],
    ['an unknown type', lineOf('ssh-x', blobOf('ssh-x', 'e'))],
    ['an unknown marker', `@mine gate ${KEY}`],
  ])('is none with %s', (_what, line) => {
    expect(readKnownHostsLine(line)).toBeUndefined();
  });

  it.each([
    'ssh-rsa',
    'ssh-dss',
    'ecdsa-sha2-nistp384',
    'sk-ecdsa-sha2-nistp256@openssh.com',
    'ssh-rsa-cert-v01@openssh.com',
  ])('has a key of type %s', (type) => {
    expect(readKnownHostsLine(lineOf(type, blobOf(type, 'e')))?.key.type).toBe(type);
  });

  it('may have a field without bytes at its end', () => {
    expect(readKnownHostsLine(lineOf('ssh-rsa', blobOf('ssh-rsa', '')))?.key.type).toBe('ssh-rsa');
  });

  it.each(['rsa-sha2-256', 'rsa-sha2-512'])('has an RSA key where it names the signature %s', (type) => {
    expect(readKnownHostsLine(lineOf(type, blobOf('ssh-rsa', 'e')))?.key.type).toBe('ssh-rsa');
  });
});

describe('patterns', () => {
  it.each([
    ['gate', 'gate', true],
    ['GATE', 'gate', true],
    ['ga*', 'gate', true],
    ['gat?', 'gate', true],
    ['ga', 'gate', false],
    ['*,!gate', 'gate', false],
    ['!gate,*', 'gate', false],
    ['!other', 'gate', false],
    ['!other,gate', 'gate', true],
    [`gate,${'x'.repeat(1_022)}`, 'gate', true],
    [`gate,${'x'.repeat(1_023)}`, 'gate', false],
  ])('%.20s on %s: %s', (hosts, name, expected) => {
    expect(listMatches(hostPatterns(hosts), name)).toBe(expected);
  });
});

describe('a hashed name', () => {
  it('matches the name that was hashed, each time it is asked', () => {
    const matches = hashedName(hash('gate'));
    expect(['gate', 'other', 'gate', 'gat'].map((name) => matches?.(name))).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  it.each([
    ['of another version', hash('gate').replace('|1|', '|2|')],
    ['with a salt of another length', '|1|AAAA|AAAA'],
    ['of nothing else', '|'],
  ])('matches nobody %s', (_what, text) => {
    expect(hashedName(text)?.('gate')).toBe(false);
  });

  const hashed = (salt: Buffer) => {
    const digest = createHmac('sha1', salt).update('gäte').digest('base64');
    return hashedName(`|1|${salt.toString('base64')}|${digest}`);
  };

  it('is of bytes, and has a salt of twenty', () => {
    const name = Buffer.from('gäte').toString('latin1');
    expect(hashed(Buffer.alloc(20, 7))?.(name)).toBe(true);
    expect(hashed(Buffer.alloc(19, 7))?.(name)).toBe(false);
  });

  it('is none without its bar', () => {
    expect(hashedName('gate')).toBeUndefined();
  });
});
