import fc from 'fast-check';
import { expect, it } from 'vitest';
import { visibleText } from './visible-text.ts';

it.each([
  ['plain text', 'node-1: 94.1 % of /var\n\tok', 'node-1: 94.1 % of /var\n\tok'],
  ['letters of all scripts', '한빛 نود узел ग़ é e\u0301', '한빛 نود узел ग़ é e\u0301'],
  ['the colours of a terminal', '\u001b[31mred\u001b[0m\u0007', ' [31mred [0m '],
  ['what moves a cursor', 'ok\rlie\b\u007f', 'ok lie  '],
  ['C1: an escape in one character', '\u009b2Jgone\u0085', ' 2Jgone '],
  ['a turned direction', 'node\u202egnp.exe\u202c \u2066x\u2069 \u200fy \u061c', 'nodegnp.exe x y '],
  ['what has no width', 'pr\u200bo\u2060d\ufeff\u00ad\u200c\u3164', 'prod'],
  ['blanks of Braille', 'a\u2800b', 'ab'],
  ['stacked marks', `a${'\u0300'.repeat(8)}b`, `a${'\u0300'.repeat(4)}b`],
  ['hidden tags', 'a\u{e0061}\u{e0062}b', 'ab'],
  ['half a pair', 'a\ud800b', 'ab'],
  ['separators', 'a\u2028b\u2029c', 'a b c'],
  ['a picture of several', 'by 👩‍🚒 at ☁️ in 🇰🇷 1️⃣', 'by 👩‍🚒 at ☁️ in 🇰🇷 1️⃣'],
  ['a joiner that joins nothing', 'a\u200db\u200d', 'ab'],
])('of %s it leaves what is seen', (_, text, expected) => {
  expect(visibleText(text)).toBe(expected);
  expect(visibleText(expected)).toBe(expected);
});

it('leaves no control or bidi character, of any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      expect(visibleText(text)).not.toMatch(/(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069\u200b\u2060]/u);
    }),
  );
});
