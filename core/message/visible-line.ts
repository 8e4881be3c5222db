/** Scripts whose spelling needs joiners and non-joiners between letters. */
const JOINING =
  '[\\p{Script=Arabic}\\p{Script=Syriac}\\p{Script=Devanagari}\\p{Script=Bengali}\\p{Script=Gurmukhi}\\p{Script=Gujarati}\\p{Script=Oriya}\\p{Script=Tamil}\\p{Script=Telugu}\\p{Script=Kannada}\\p{Script=Malayalam}\\p{Script=Sinhala}\\p{Script=Khmer}\\p{Script=Mongolian}]';
/** Invisible characters that belong to what is seen: within an emoji, between letters of such a script. */
const MEANT = new RegExp(
  `\\p{Extended_Pictographic}\\p{Emoji_Modifier}?\\ufe0f?(?:\\u200d\\p{Extended_Pictographic}\\p{Emoji_Modifier}?\\ufe0f?)*|(?<=${JOINING})[\\u200c\\u200d](?=${JOINING})`,
  'gu',
);
/** Control characters, C1 among them; marks of writing direction; whatever leaves no trace; what is no character. */
const UNSEEN =
  /[\p{Cc}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\ufff9-\ufffb]/gu;
const SPACES = /[\s\p{Zl}\p{Zp}]+/gu;

/**
 * One line that shows all it holds: names come from nodes and from people, and an invisible character in one could turn
 * or hide what stands beside it. Spaces become one, halves of characters a replacement character.
 */
export function visibleLine(text: string): string {
  const spaced = text
    .toWellFormed()
    .replace(/\ufeff/g, '')
    .replace(SPACES, ' ');
  let line = '';
  let at = 0;
  for (const kept of spaced.matchAll(MEANT)) {
    line += spaced.slice(at, kept.index).replace(UNSEEN, '') + kept[0];
    at = kept.index + kept[0].length;
  }
  // Two spaces may have come together now.
  return (line + spaced.slice(at).replace(UNSEEN, '')).replace(/ {2,}/g, ' ').trim();
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const ELLIPSIS = '…';

/** Plain text of at most `limit` UTF-16 units, cut between letters as people see them. Never for markup. */
export function cutText(text: string, limit: number): string {
  if (text.length <= limit) return text;
  let end = 0;
  for (const { index, segment } of graphemes.segment(text.slice(0, limit + 1))) {
    if (index + segment.length > limit - ELLIPSIS.length) break;
    end = index + segment.length;
  }
  return `${text.slice(0, end).trimEnd()}${ELLIPSIS}`;
}
