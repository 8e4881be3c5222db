import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { type Certificate, makeCertificate } from '../../test/certificates.ts';
import { credentialProblem } from './credentials.ts';

let own: Certificate;
let other: Certificate;
let locked: string;
beforeAll(async () => {
  own = await makeCertificate(['a']);
  other = await makeCertificate(['b']);
  locked = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
  }).privateKey;
});

const pair = (clientCertificate: string, clientKey: string) => ({ clientCertificate, clientKey });

it.each<[string, () => Record<string, unknown>, string | undefined]>([
  ['nothing', () => ({ port: 1 }), undefined],
  ['an authority', () => ({ ca: own.cert }), undefined],
  ['two, with text around them', () => ({ ca: `a\n${own.cert}\nb\n${other.cert}` }), undefined],
  ['an empty file as authority', () => ({ ca: '\n' }), 'ca: it holds no certificate'],
  ['HTML', () => ({ ca: '<html>' }), 'ca: it holds no certificate'],
  [
    'a damaged second one',
    () => ({ ca: `${own.cert}\n${other.cert.replace('MII', 'XII')}` }),
    'ca: it holds no',
  ],
  ['a certificate with its key', () => ({ ca: own.cert + own.key }), 'ca: it holds a private key'],
  ['a pair', () => pair(own.cert, own.key), undefined],
  ['a chain and its key', () => pair(own.cert + other.cert, own.key), undefined],
  ['the key of another', () => pair(own.cert, other.key), 'clientKey: the private key does not belong to'],
  ['both changed over', () => pair(own.key, own.cert), 'clientCertificate: it is no certificate'],
  ['a certificate as key', () => pair(own.cert, own.cert), 'clientKey: it is no private key'],
  ['a key with a passphrase', () => pair(own.cert, locked), 'clientKey: the private key is encrypted'],
  ['a token with a line feed behind it', () => ({ token: 'abc\n' }), undefined],
  ['a token in two lines', () => ({ token: 'SECRET\nabc' }), 'token: the token has blanks'],
  ['a token with a word in front', () => ({ token: 'Bearer SECRET' }), 'token: the token has blanks'],
  ['a token in Korean', () => ({ token: 'SECRET한' }), 'token: the token has blanks'],
  ['an empty token', () => ({ token: ' ' }), 'token: the token has blanks'],
  ['headers', () => ({ headers: { accept: 'a b', x: 'é' } }), undefined],
  [
    'a header in two lines',
    () => ({ headers: { a: 'b', 'x-a': 'SECRET\r\nb' } }),
    'headers: the value of x-a has',
  ],
])('%s', (_, options, expected) => {
  const problem = credentialProblem(options());
  const shown = problem && `${problem.field}: ${problem.message}; ${problem.advice}`;
  expect(shown?.slice(0, expected?.length)).toBe(expected);
  expect(shown ?? '').not.toContain('SECRET');
});
