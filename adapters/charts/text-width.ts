import { lettersOf } from './drawable.ts';

/** Advance widths of U+0020 to U+007E in hundredths of the size, as Pretendard JP has them. */
const REGULAR = [
  25, 26, 38, 60, 61, 86, 61, 20, 34, 34, 47, 63, 26, 43, 25, 33, 60, 44, 59, 62, 62, 60, 61, 55, 61, 61, 25,
  25, 63, 63, 63, 48, 88, 65, 62, 69, 69, 57, 56, 71, 71, 24, 52, 62, 53, 85, 72, 73, 60, 73, 61, 61, 61, 71,
  65, 92, 61, 63, 59, 34, 33, 34, 44, 42, 47, 54, 59, 53, 59, 55, 34, 58, 56, 22, 22, 52, 22, 83, 56, 57, 58,
  58, 35, 50, 34, 55, 53, 78, 51, 53, 51, 34, 31, 34, 63,
];
const SEMI_BOLD = [
  24, 29, 38, 62, 62, 93, 63, 20, 37, 37, 52, 64, 28, 44, 27, 36, 64, 46, 60, 63, 65, 62, 63, 57, 63, 63, 27,
  27, 64, 64, 64, 52, 88, 69, 63, 71, 70, 58, 56, 72, 71, 26, 54, 65, 54, 87, 71, 74, 62, 75, 62, 62, 63, 71,
  69, 97, 66, 67, 62, 37, 36, 37, 46, 45, 47, 55, 60, 55, 60, 57, 36, 60, 59, 24, 24, 54, 24, 86, 58, 58, 60,
  60, 38, 52, 36, 58, 55, 81, 54, 55, 54, 37, 34, 37, 64,
];
const ELLIPSIS = '…';
/** Other characters by kind, first match. The widths are generous: exact ones would need the fonts. */
const WIDTHS: readonly [RegExp, number][] = [
  [/^…$/u, 0.82],
  [/^[·–]$/u, 0.48],
  // Marks that stand over, under or within a letter, and joiners.
  [/^[\p{Mn}\p{Me}\p{Cf}]$/u, 0],
  [/^\p{Extended_Pictographic}$/u, 1.3],
  [/^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff00-\uff60]$/u, 1],
  [/^\p{Script=Hangul}$/u, 0.88],
  [/^[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Thai}\p{Script=Devanagari}]$/u, 0.6],
  [/^\p{Lu}$/u, 0.95],
];
const OTHER = 0.68;

/** Width of a text in the chart's font: exact for ASCII but for kerning, otherwise a generous guess. */
export function textWidth(text: string, size: number, bold = false): number {
  let width = 0;
  for (const char of text) width += charWidth(char, bold);
  return width * size;
}

function charWidth(char: string, bold: boolean): number {
  // An accented letter is as wide as its base.
  const base = char.normalize('NFD').codePointAt(0) ?? 0;
  const hundredths = (bold ? SEMI_BOLD : REGULAR)[base - 0x20];
  if (hundredths !== undefined) return hundredths / 100;
  return WIDTHS.find(([pattern]) => pattern.test(char))?.[1] ?? OTHER;
}

/**
 * Shortens in the middle, where names of a fleet are most alike, between letters as people see them. `headShare` of the
 * letters that are left are those of the beginning.
 */
export function fitText(
  text: string,
  size: number,
  maxWidth: number,
  { bold = false, headShare = 0.6 } = {},
): string {
  if (textWidth(text, size, bold) <= maxWidth) return text;
  const letters = lettersOf(text);
  /** `ends[n]`: the width of the first `n` letters. */
  const ends = [0];
  for (const letter of letters) ends.push((ends.at(-1) ?? 0) + textWidth(letter, size, bold));
  const endOf = (count: number) => ends[count] ?? 0;
  const room = maxWidth - textWidth(ELLIPSIS, size, bold);
  for (let keep = letters.length - 1; keep > 2; keep--) {
    const head = Math.ceil(keep * headShare);
    const tailStart = letters.length - (keep - head);
    if (endOf(head) + endOf(letters.length) - endOf(tailStart) > room) continue;
    return `${letters.slice(0, head).join('')}${ELLIPSIS}${letters.slice(tailStart).join('')}`;
  }
  return ELLIPSIS;
}
