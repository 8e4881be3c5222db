import { describe, expect, it } from 'vitest';
import { ENCODINGS, fragmentsOf } from '../../test/contract/encodings.ts';
import { cpuMs } from '../../test/machine-speed.ts';
import { createRedactor } from './redact.ts';

const ADDRESSES = [
  'https://hooks.example.net/services/T0A1B2C3D/B4E5F6G7H/Xy9Zw8Vu7Ts6Rq5Po4',
  'https://example.net/hook/Ab3!Cd\'4(Ef)*5~G?token=S3cr&t"=1/2+3<4>&v=a1b2c3 d4',
  'https://user7:pass%2Fw0rd9@example.net/p4th-s3gment',
  'https://example.net/%ED%95%9C%EB%B9%9B123/abc%2Fdef%201',
  '123456789:AAF-telegram_Token42',
];

describe.each(ADDRESSES)('of %s', (address) => {
  const redactor = createRedactor();
  redactor.add(address);

  it.each(Object.entries(ENCODINGS))('no piece is left, %s', (_, encode) => {
    for (const piece of fragmentsOf(address)) {
      const carried = encode(piece);
      const safe = redactor.redact(`Cannot POST ${carried} at all`);
      expect([piece, safe]).toEqual([piece, expect.stringContaining('<secret>')]);
      // The ends of a piece in base64 depend on the bytes beside it.
      for (const inner of piece.match(/[A-Za-z0-9]{6,}/g) ?? []) {
        if (/\d|[A-Z]/.test(inner)) expect(safe.toLowerCase()).not.toContain(inner.toLowerCase());
      }
    }
  });
});

it.each([
  ['ab/cd+ef/gh+ij', '{"token":"ab/cd ef/gh ij"}', '{"token":"<secret>"}'],
  ['p@ss/w0rd+x=1', 'token p@ss/w0rd+x=1 is unknown', 'token <secret> is unknown'],
  ['ab%2Fcd%20ef', '{"token":"ab/cd ef"}', '{"token":"<secret>"}'],
  ['a-b_c:d', 'of a&hyphen;b&lowbar;c&colon;d', 'of <secret>'],
  ['a-b_c:d', 'of a&amp;dash;b&UnderBar;c&colon;d', 'of <secret>'],
])('masks a value of a query with separators within, %s', (value, text, safe) => {
  const redactor = createRedactor();
  redactor.add(`https://h.example.net/x?v=1&token=${value}`);
  expect(redactor.redact(text)).toBe(safe);
});

it('masks a secret that was decoded as a form', () => {
  const redactor = createRedactor();
  redactor.add('ab/cd+ef');
  expect(redactor.redact('ab/cd ef')).toBe('<secret>');
});

it('leaves the host, common words of vendors and other texts readable', () => {
  const redactor = createRedactor();
  redactor.add('https://hooks.slack.com/services/T0A1B2C3D/B4E5F6G7H/Xy9Zw8Vu7Ts6Rq5Po4');
  redactor.add('http://127.0.0.1:9471/webhooks/Tk12345/alerts');
  const text =
    'hooks.slack.com answered 404: 127.0.0.1:9471 offers services, webhooks and alerts; 20 % of <node-1>';
  expect(redactor.redact(text)).toBe(text);
});

it.each([
  ['as it was written', 'ab/cd+ef/gh+ij'],
  ['as a framework reads it', 'ab/cd ef/gh ij'],
])('masks the value of a query alone, %s', (_, value) => {
  const redactor = createRedactor();
  redactor.add('https://example.net/x?token=ab/cd+ef/gh+ij&v=1');
  expect(redactor.redact(`{"token":"${value}"}`)).toBe('{"token":"<secret>"}');
});

it('masks what is escaped with every named entity', () => {
  const redactor = createRedactor();
  redactor.add('123456789:AAExyz_-abcDEF');
  expect(redactor.redact('at 123456789&colon;AAExyz&lowbar;&hyphen;abcDEF!')).toBe('at <secret>!');
});

it('masks a secret that ends with its longest word, at the end of a text', () => {
  const redactor = createRedactor();
  redactor.add('a-b_wxyz');
  expect(redactor.redact('at a-b_wxyz')).toBe('at <secret>');
});

it('masks a token that is the name of a host', () => {
  const redactor = createRedactor();
  redactor.add('https://eoAB12cd34Ef.m.example.net/');
  expect(redactor.redact('getaddrinfo ENOTFOUND eoab12cd34ef.m.example.net')).toBe(
    'getaddrinfo ENOTFOUND <secret>.m.example.net',
  );
});

it.each([
  ['a run', `${'\\'.repeat(8)}x`, '\\'.repeat(64_000)],
  ['runs', 'ab\\\\cd\\\\\\ef', `ab${'\\'.repeat(30_000)}cd${'\\'.repeat(30_000)}`],
  ['mixed', '\\a\\b\\c\\d', '\\a'.repeat(20_000)],
])('is quick with backslashes in secret and text, %s', (_, secret, text) => {
  const redactor = createRedactor();
  redactor.add(secret);
  const tookMs = cpuMs(() => expect(redactor.redact(`${text}y`).endsWith('y')).toBe(true));
  expect(tookMs).toBeLessThan(2_000);
});

it('matches backslashes of a secret in any encoding', () => {
  const redactor = createRedactor();
  redactor.add('to\\\\ken\\9');
  const spelled = [
    'to\\\\ken\\9',
    JSON.stringify('to\\\\ken\\9').slice(1, -1),
    encodeURIComponent('to\\\\ken\\9'),
    'to&#92;&bsol;ken\\u005c9',
  ];
  expect(spelled.map(redactor.redact)).toEqual(spelled.map(() => '<secret>'));
});

it('is quick with many secrets, and with texts made to be slow', () => {
  const redactor = createRedactor();
  for (let i = 0; i < 300; i++)
    redactor.add(`https://h.example.net/hooks/${i}/tok"en/${'ab&/'.repeat(8)}${i}x`);
  const texts = [
    '\\'.repeat(200_000),
    '&amp;'.repeat(40_000),
    `%${'25'.repeat(100_000)}`,
    '/&'.repeat(100_000),
  ];
  const tookMs = cpuMs(() => {
    for (const text of texts) redactor.redact(`${text} example`);
    for (let i = 0; i < 1_000; i++) redactor.redact(`message delivered ${i} channel=ops route=default ms=12`);
  });
  expect(tookMs).toBeLessThan(2_000);
});
