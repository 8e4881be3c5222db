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
/** An excerpt reads so many characters on either side: a program may write a file as one line, with a problem in each of its nodes. */
const REACH = 512;

/**
 * Cuts the line in which `marked` starts. It shows only what marks allow, and an ellipsis for the rest: any text that we do not
 * understand may be a secret. Later marks win.
 */
export function cutExcerpt(text: string, marked: Range, marks: readonly Mark[]): Excerpt {
  const whole = lineAt(text, marked.start);
  const read = {
    start: Math.max(whole.start, marked.start - REACH),
    end: Math.min(whole.end, marked.start + REACH),
  };
  const seen = visibility(text, read, marks);
  const last = Math.min(Math.max(marked.end, marked.start + 1), read.end) - 1;
  let line = read.start > whole.start ? HIDDEN : '';
  let start = 0;
  let end = 0;
  for (let i = read.start; i < read.end; i++) {
    const isSeen = seen[i - read.start];
    const shown = isSeen === true || (isSeen === undefined && isStructure(text, whole.start, i));
    // Hidden characters in a row, and the blanks between them, become one ellipsis.
    const goesOn = !shown && line.trimEnd().endsWith(HIDDEN);
    if (goesOn) line = line.trimEnd();
    if (i === marked.start) start = goesOn ? line.length - 1 : line.length;
    if (!goesOn) line += shown ? printable(text.charAt(i)) : HIDDEN;
    if (i === last) end = line.length;
  }
  line = line.trimEnd();
  if (read.end < whole.end && !line.endsWith(HIDDEN)) line += ` ${HIDDEN}`;
  return windowOf(line, Math.min(start, line.length), Math.max(end - start, 1));
}

export type Mark = Range & { shown: boolean };

function visibility(text: string, { start, end }: Range, marks: readonly Mark[]): (boolean | undefined)[] {
  const seen = new Array<boolean | undefined>(end - start).fill(undefined);
  for (const mark of marks) {
    if (mark.end <= start || mark.start >= end) continue;
    seen.fill(mark.shown, Math.max(0, mark.start - start), mark.end - start);
  }
  for (const { index, 0: reference } of text.slice(start, end).matchAll(REFERENCE))
    seen.fill(true, index, index + reference.length);
  return seen;
}

function isStructure(text: string, lineStart: number, index: number): boolean {
  const char = text.charAt(index);
  return (
    STRUCTURE.has(char) ||
    (char === '-' && text.slice(lineStart, index).trim() === '' && /\s/.test(text.charAt(index + 1)))
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
