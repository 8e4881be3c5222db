import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutText, visibleLine } from './visible-line.ts';

describe('visibleLine', () => {
  it.each([
    ['two\r\n lines\u2028and\ttabs ', 'two lines and tabs'],
    ['a\u0000b\u0007 \u001b[31mc\u009b', 'a b [31mc'],
    ['safe\u202efdp.exe\u202c \u2066x\u2069\u200e', 'safefdp.exe x'],
    ['z\u200be\ufeffr\u2060o\u00ad\u3164', 'zero'],
    ['👩‍🚀 👍🏽 ❤️ 🇰🇷', '👩‍🚀 👍🏽 ❤️ 🇰🇷'],
    ['عربي-1 עברית', 'عربي-1 עברית'],
  ])('%j is %j', (text, line) => {
    expect(visibleLine(text)).toBe(line);
  });

  it('does the same to what it has done', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = visibleLine(text);
        expect(visibleLine(line)).toBe(line);
        expect(line).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe('cutText', () => {
  it.each([
    ['short', 5, 'short'],
    ['longer', 5, 'long…'],
    ['ab👩‍🚀c', 6, 'ab…'],
    ['ab👩‍🚀c', 8, 'ab👩‍🚀c'],
    ['a\u0301a\u0301a\u0301', 4, 'a\u0301…'],
    ['one two', 5, 'one…'],
  ])('%j in %d is %j', (text, limit, cut) => {
    expect(cutText(text, limit)).toBe(cut);
  });

  it('is never longer than it may be, and never half a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, limit) => {
        const cut = cutText(text, limit);
        expect(cut.length).toBeLessThanOrEqual(limit);
        expect(cut.isWellFormed()).toBe(true);
      }),
    );
  });
});
