import type { Excerpt } from './problem.ts';
import { REFERENCE_KINDS } from './secret-text.ts';
import type { Range } from './yaml-document.ts';

/** Replaces text that an excerpt hides. */
export const HIDDEN = '…';
/** Characters that are always shown: they give a line its shape. */
const STRUCTURE = new Set([...' \t{}[],:?"\'']);
const REFERENCE = new RegExp(`["']?\\$\\{(?:${REFERENCE_KINDS.join('|')}):[^\\s{}]*\\}["']?`, 'g');
const WIDTH = 110;
/** Columns that a cut line keeps in front of the underlined text. */
const LEAD = 40;

/**
 * Cuts the line in which `marked` starts. It shows only what marks allow, and an ellipsis for the rest: any text that we do not
 * understand may be a secret. Later marks win.
 */
export function cutExcerpt(text: string, marked: Range, marks: readonly Mark[]): Excerpt {
  const { start: lineStart, end: lineEnd } = lineAt(text, marked.start);
  const source = text.slice(lineStart, lineEnd);
  const seen = visibility(source, lineStart, marks);
  const from = marked.start - lineStart;
  const to = Math.min(Math.max(marked.end - lineStart, from + 1), source.length);
  let line = '';
  let start = 0;
  let end = 0;
  for (let i = 0; i < source.length; i++) {
    const shown = seen[i] === true || (seen[i] === undefined && isStructure(source, i));
    // Hidden characters in a row, and the blanks between them, become one ellipsis.
    const goesOn = !shown && line.trimEnd().endsWith(HIDDEN);
    if (goesOn) line = line.trimEnd();
    if (i === from) start = goesOn ? line.length - 1 : line.length;
    if (!goesOn) line += shown ? printable(source.charAt(i)) : HIDDEN;
    if (i === to - 1) end = line.length;
  }
  const whole = line.trimEnd();
  return windowOf(whole, Math.min(start, whole.length), Math.max(end - start, 1));
}

export type Mark = Range & { shown: boolean };

function visibility(source: string, lineStart: number, marks: readonly Mark[]): (boolean | undefined)[] {
  const seen = new Array<boolean | undefined>(source.length).fill(undefined);
  for (const { start, end, shown } of marks) {
    if (end <= lineStart || start >= lineStart + source.length) continue;
    seen.fill(shown, Math.max(0, start - lineStart), end - lineStart);
  }
  for (const { index, 0: reference } of source.matchAll(REFERENCE))
    seen.fill(true, index, index + reference.length);
  return seen;
}

function isStructure(source: string, index: number): boolean {
  const char = source.charAt(index);
  return (
    STRUCTURE.has(char) ||
    (char === '-' && source.slice(0, index).trim() === '' && /\s/.test(source.charAt(index + 1)))
  );
}

function lineAt(text: string, offset: number): Range {
  const newline = text.indexOf('\n', offset);
  return {
    start: offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1,
    end: newline < 0 ? text.length : newline,
  };
}

function printable(char: string): string {
  return char < ' ' ||
    (char >= '\u007f' && char <= '\u009f') ||
    /[\u2028\u2029\u202a-\u202e\u2066-\u2069]/.test(char)
    ? ' '
    : char;
}

/** Takes the indentation off, and cuts a long line around the underlined text. */
function windowOf(line: string, start: number, length: number): Excerpt {
  const indent = line.length - line.trimStart().length;
  const from = line.length - indent <= WIDTH ? indent : Math.max(indent, start - LEAD);
  const before = from > indent ? `${HIDDEN} ` : '';
  const text =
    before +
    (from + WIDTH < line.length ? `${line.slice(from, from + WIDTH).trimEnd()} ${HIDDEN}` : line.slice(from));
  const at = Math.max(0, start - from) + before.length;
  return { text, start: at, length: Math.max(1, Math.min(length, text.length - at)) };
}

/** Marks the terms of the schema (keys, choices) in a line that is not YAML: an excerpt may show nothing else. */
export function knownTerms(text: string, offset: number, vocabulary: ReadonlySet<unknown>): Mark[] {
  const { start, end } = lineAt(text, offset);
  const line = text.slice(start, end);
  return [...line.matchAll(/[A-Za-z]\w*/g)]
    .filter((match) => vocabulary.has(match[0]))
    .map((match) => ({
      start: start + match.index,
      end: start + match.index + match[0].length,
      shown: true,
    }));
}
