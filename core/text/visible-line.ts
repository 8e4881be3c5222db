import { visibleText } from './visible-text.ts';

/**
 * One line that shows all it holds: names come from nodes and from people, and an invisible character in one could turn
 * or hide what stands beside it. Spaces become one.
 */
export function visibleLine(text: string): string {
  return visibleText(text).replace(/\s+/gu, ' ').trim();
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
