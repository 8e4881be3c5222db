/**
 * Width of a text in the chart's face, close enough to lay out a legend: CJK and Hangul are as wide as high, Latin
 * letters about 0.56 of it, narrow and wide ones aside. Errs on the wide side by up to a tenth.
 */
export function textWidth(text: string, size: number, bold = false): number {
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width * size * (bold ? 1.05 : 1);
}

function charWidth(char: string): number {
  const code = char.codePointAt(0) ?? 0;
  if (
    code >= 0x1100 &&
    (code <= 0x11ff ||
      (code >= 0x2e80 && code <= 0xd7ff) ||
      (code >= 0xf900 && code <= 0xfaff) ||
      code >= 0xff00)
  ) {
    return code >= 0xac00 && code <= 0xd7a3 ? 0.88 : 1;
  }
  if ("iljtfrI.,:;|!'()[]/ ".includes(char)) return 0.32;
  if ('mwMW@%'.includes(char)) return 0.88;
  return char >= 'A' && char <= 'Z' ? 0.68 : 0.59;
}

/** Shortens in the middle, where names of a fleet are most alike. */
export function fitText(text: string, size: number, maxWidth: number, bold = false): string {
  if (textWidth(text, size, bold) <= maxWidth) return text;
  const chars = [...text];
  for (let keep = chars.length - 1; keep > 2; keep--) {
    const head = Math.ceil(keep * 0.6);
    const shown = `${chars.slice(0, head).join('')}…${chars.slice(chars.length - (keep - head)).join('')}`;
    if (textWidth(shown, size, bold) <= maxWidth) return shown;
  }
  return '…';
}
