import { describe, expect, it } from 'vitest';
import { createRedactor } from './redact.ts';

const redacted = (secret: string, text: string) => {
  const redactor = createRedactor();
  redactor.add(secret);
  return redactor.redact(text);
};

describe('a secret in a text', () => {
  it.each([
    ['with the escapes of JavaScript', 'a-b_c:d', 'of a\\x2db\\x5fc\\u003ad!'],
    ['with escapes within JSON', 'a-b_c:d', 'of a\\\\x2db_c\\\\u003Ad!'],
    ['with blanks as a form writes them', 'ab cd ef', 'of ab+cd+ef!'],
    ['with blanks of a path', 'ab cd ef', 'of ab%20cd%2520ef!'],
    ['with entities in decimal and hexadecimal digits', 'a-b_c:d', 'of a&#045;b&#x5F;c&amp;#58;d!'],
    ['with line ends as JSON has them', 'abc\ndef\tghi', 'of abc\\ndef\\tghi!'],
    ['with letters beyond ASCII', 'schlüssel', 'of schl%C3%BCssel!'],
    ['with letters beyond ASCII as JSON escapes them', 'schlüssel', 'of schl\\u00fcssel!'],
    ['with letters of two units', 'key-🔑-1', 'of key-\\ud83d\\udd11-1!'],
    ['without a letter or digit', '?!?!?!?', 'of ?!?!?!?!'],
    ['of the shortest length', 'abc123', 'of abc123!'],
  ])('is masked whole, %s', (_what, secret, text) => {
    expect(redacted(secret, text)).toBe('of <secret>!');
  });

  it.each([
    ['another character', 'ab-cd9x', 'of ab+cd9x'],
    ['a letter that a dot would match', 'ab.cd9x', 'of abXcd9x'],
    ['an entity that has no name', 'key~12ab', 'of key&undefined;12ab'],
    ['an escape that is none', 'key~12ab', 'of key\\undefined12ab'],
    ['an escape with more digits than JavaScript reads', 'keyĀ12ab', 'of key\\x10012ab'],
    ['a part of it', 'Tk12345678', 'of Tk123456'],
    ['less than the shortest length', 'abc12', 'of abc12'],
  ])('is not seen in %s', (_what, secret, text) => {
    expect(redacted(secret, text)).toBe(text);
  });

  it.each([0, 1, 2, 3, 4, 5])('is masked in base64 behind %d other bytes', (before) => {
    for (const after of ['', 'y', 'yy', 'yyy']) {
      const secret = 'k3y/Te5t+value?>';
      const text = Buffer.from('x'.repeat(before) + secret + after).toString('base64');
      const safe = redacted(secret, text);
      expect(safe).toContain('<secret>');
      // A letter on each edge stands for the neighbour too, and stays with the neighbour's.
      const kept = safe.replace('<secret>', '').replaceAll('=', '');
      expect(kept.length).toBeLessThanOrEqual(
        Math.ceil((before * 4) / 3) + Math.ceil((after.length * 4) / 3) + 1,
      );
    }
  });

  it('masks the longest of several, and each of them', () => {
    const redactor = createRedactor();
    for (const secret of ['abcdef', 'abcdef123456', 'uvwxyz']) redactor.add(secret);
    expect(redactor.redact('abcdef123456 abcdef uvwxyz')).toBe('<secret> <secret> <secret>');
  });
});
