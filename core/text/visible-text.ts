/** Line break and tab stay: whoever wants one line makes it one. */
const CONTROLS = /(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}]/gu;
/** Joins two pictures to one (👩‍🚒), or a letter with its variant (☁️): seen, where it stands behind such a one. */
const JOINED =
  /(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f)\u200d(?=\p{Extended_Pictographic})/gu;
const PICTURE_VARIANT = /(?<=\p{Emoji})(?:\ufe0e|\ufe0f)/gu;
/**
 * What has no width or turns the direction of its neighbours: all of Unicode's format characters (soft hyphen, zero-width
 * ones, bidi marks and overrides, tags), lone surrogates, fillers, variation selectors.
 */
const UNSEEN =
  /[\p{Cf}\p{Cs}\p{Variation_Selector}]|\u034f|\u2800|\u115f|\u1160|\u17b4|\u17b5|\u3164|\uffa0/gu;
/** More marks on one letter than any script has: they cover the lines around. */
const STACKED = /(\p{M}{4})\p{M}+/gu;
const KEPT_JOINER = '\ue000';
const KEPT_VARIANTS = ['\ue001', '\ue002'] as const;

/**
 * A text from outside (an answer of a service, output of a node, a label) as people see it, for terminals, logs and
 * messages: control characters become blanks, what is invisible or turns the reading direction goes.
 */
export function visibleText(text: string): string {
  if (/^[\x20-\x7e\n\t]*$/.test(text)) return text;
  return text
    .replace(/[\ue000-\ue002]/g, '')
    .replace(CONTROLS, ' ')
    .replace(JOINED, KEPT_JOINER)
    .replace(PICTURE_VARIANT, (found) => KEPT_VARIANTS[found === '\ufe0e' ? 0 : 1])
    .replace(UNSEEN, '')
    .replace(STACKED, '$1')
    .replaceAll(KEPT_JOINER, '\u200d')
    .replaceAll(KEPT_VARIANTS[0], '\ufe0e')
    .replaceAll(KEPT_VARIANTS[1], '\ufe0f');
}
