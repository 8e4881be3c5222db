import { describe, expect, it } from 'vitest';
import { createRedactor } from './redact.ts';

const redacted = (secret: string, text: string) => {
  const redactor = createRedactor();
  redactor.add(secret);
  return redactor.redact(text);
};

describe('of an address', () => {
  it.each([
    [
      'its path without the slashes around it',
      'https://h.example.net/ab12/cd34/',
      'no ab12/cd34 here',
      'no <secret> here',
    ],
    [
      'its path behind two slashes',
      'https://h.example.net//ab12/cd34',
      'no ab12/cd34 here',
      'no <secret> here',
    ],
    ['its query', 'https://h.example.net/?a=1&b=23', 'no a=1&b=23 here', 'no <secret> here'],
    ['its fragment', 'https://h.example.net/#t0ken-9', 'no t0ken-9 here', 'no <secret> here'],
    ['path and query together', 'https://h.example.net/ab12?c=34', 'no /ab12?c=34 here', 'no <secret> here'],
    ['its login', 'https://user:pass@h.example.net/', 'as user:pass', 'as <secret>'],
    [
      'its password alone',
      'https://user77:pass99@h.example.net/',
      'user77 with pass99',
      '<secret> with <secret>',
    ],
    ['its password without a user', 'https://:pass99@h.example.net/', 'as pass99', 'as <secret>'],
    [
      'its path as it was written, with dots',
      'https://h.example.net/ab/../cd12',
      'no /ab/../cd12 here',
      'no <secret> here',
    ],
    [
      'path, query and fragment as a parser writes them',
      'https://h.example.net/ab/../c1?d=2#e3',
      'no /c1?d=2#e3 and no /c1?d=2 here',
      'no <secret> and no <secret> here',
    ],
    ['a value without a name', 'https://h.example.net/?ab/cd12&v=1', 'no ab/cd12 here', 'no <secret> here'],
    [
      'a token in the name of its host',
      'https://ab12cd34ef.m.example.net/',
      'no ab12cd34ef.m.example.net',
      'no <secret>.m.example.net',
    ],
    [
      'all of it as a parser writes it',
      'https://H.example.net:443/ab12',
      'at https://h.example.net/ab12',
      'at <secret>',
    ],
  ])('%s is a secret', (_what, secret, text, safe) => {
    expect(redacted(secret, text)).toBe(safe);
  });

  it.each([
    ['the host', 'https://hooks.example.net/Tk12345', 'no hooks.example.net here'],
    ['a host with digits but short', 'https://node-12.example.net/Tk12345', 'no node-12.example.net here'],
    ['a host without digits', 'https://monitoring.example.net/Tk12345', 'no monitoring.example.net here'],
    ['a host of digits', 'https://1234567890.example.net/Tk12345', 'no 1234567890.example.net here'],
    ['a host with nine letters', 'https://ab12cd34e.example.net/Tk12345', 'no ab12cd34e.example.net here'],
    [
      'the host behind a scheme of two words',
      'svn+ssh://hooks.example.net/Tk12345',
      'no hooks.example.net here',
    ],
    ['a path that vendors use', 'https://h.example.net/webhooks', 'webhooks at /webhooks and /Webhooks/'],
    ['a segment that is such a term', 'https://h.example.net/Services/Tk12345', 'services and messages'],
    ['a value that is such a term', 'https://h.example.net/Tk12345?kind=Webhook', 'no webhook here'],
  ])('%s stays readable', (_what, secret, text) => {
    expect(redacted(secret, text)).toBe(text);
  });
});

describe('of a token', () => {
  it.each([
    ['each part of it', '123456789:AAFtelegramToken', 'bad AAFtelegramToken', 'bad <secret>'],
    ['it without the blanks around it', ' T0ken-99 ', 'bad T0ken-99', 'bad <secret>'],
    ['an address that cannot be read', 'https://[bad/Tk12345', 'at https://[bad/Tk12345', 'at <secret>'],
    ['its path as it was written', 'https://h.example.net/schlüssel/ab', 'no schlüssel/ab', 'no <secret>'],
  ])('%s is a secret', (_what, secret, text, safe) => {
    expect(redacted(secret, text)).toBe(safe);
  });
});

it.each(['webhooks', 'Webhooks'])('a term that vendors use stays readable in a token, %s', (term) => {
  expect(redacted(`${term}:AAFtoken99`, `the ${term} of AAFtoken99`)).toBe(`the ${term} of <secret>`);
});

describe('of a key', () => {
  const key = '-----BEGIN KEY-----\nAbCdEf123\r\n  GhIjKl456\n-----END KEY-----\n';

  it('each line is a secret, its frame is none', () => {
    expect(redacted(key, 'bad line AbCdEf123')).toBe('bad line <secret>');
    expect(redacted(key, 'bad line GhIjKl456')).toBe('bad line <secret>');
    expect(redacted(key, 'no -----BEGIN KEY----- there')).toBe('no -----BEGIN KEY----- there');
  });
});

it('each of two lines is a secret, even if it ends as a frame does', () => {
  const lines = 'AbCdEf-----\nGhIjKl456';
  expect(redacted(lines, 'bad AbCdEf-----, bad GhIjKl456')).toBe('bad <secret>, bad <secret>');
});

it('a text of words is a secret as a whole only', () => {
  expect(redacted('correct horse battery', 'a battery of correct horses')).toBe(
    'a battery of correct horses',
  );
  expect(redacted('user77: horse/battery77', 'a battery77')).toBe('a battery77');
  expect(redacted('correct horse battery', 'no correct horse battery here')).toBe('no <secret> here');
});

it('a broken percent-encoding stays as it is', () => {
  expect(redacted('abc%zz123', 'no abc%zz123 here')).toBe('no <secret> here');
});
