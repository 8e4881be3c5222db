import { distance } from 'fastest-levenshtein';

/** Keys and list indices from the root of the file. */
export type Path = readonly (string | number)[];

/** Something wrong or doubtful, before its place in the file is looked up. No text of it holds a secret. */
export interface Finding {
  severity: 'error' | 'warning';
  path: Path;
  /** Which of the two the place is: the key or its value. */
  at: 'key' | 'value';
  message: string;
  suggestion?: string;
  /** What came first in the file and is the same; its line is added to the suggestion. */
  first?: Path;
  /** Says that something is nowhere: doubtful while the file is not read to its end. */
  absence?: true;
}

/** A line of the file with what must not be seen left out, and what to underline in it (0-based). */
export interface Excerpt {
  text: string;
  start: number;
  length: number;
}

/** A finding with its place. Lines and columns count from 1. */
export interface Problem {
  severity: 'error' | 'warning';
  file: string;
  line: number;
  column: number;
  /** `clusters[0].nodes[2].rol`; empty for the file as a whole. */
  path: string;
  message: string;
  suggestion?: string;
  excerpt?: Excerpt;
}

export function errorAt(path: Path, message: string, suggestion?: string): Finding {
  return { severity: 'error', path, at: 'value', message, ...(suggestion && { suggestion }) };
}

export function warningAt(path: Path, message: string, suggestion?: string): Finding {
  return { ...errorAt(path, message, suggestion), severity: 'warning' };
}

/** `clusters[0].nodes[2].role`; keys that are not words are quoted. */
export function formatPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\p{L}\p{N}_…-]+$/u.test(part)) text += text ? `.${part}` : part;
    else text += `[${JSON.stringify(quoted(part).slice(1, -1))}]`;
  }
  return text;
}

/** The candidate that was probably meant: few letters away, or the same but for case and separators. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > 100) return undefined;
  let best: { candidate: string; far: number } | undefined;
  for (const candidate of candidates) {
    const far = farness(word.toLowerCase(), candidate.toLowerCase());
    const near = Math.floor(Math.max(word.length, candidate.length) / 3);
    if (candidate !== word && far <= near && far < (best?.far ?? Infinity)) best = { candidate, far };
  }
  return best?.candidate;
}

/** Edits from one word to another; two letters exchanged are one. */
function farness(a: string, b: string): number {
  const plain = (text: string) => text.replace(/[-_. ]/g, '');
  if (plain(a) === plain(b)) return 0;
  const at = [...a].findIndex((letter, i) => letter !== b[i]);
  const swapped = a.slice(0, at) + a.charAt(at + 1) + a.charAt(at) + a.slice(at + 2);
  return swapped === b ? 1 : distance(a, b);
}

/** `did you mean …?`, or the list of what is possible, or undefined when there is nothing. */
export function choose(word: string, candidates: readonly string[], what: string): string | undefined {
  const near = nearest(word, candidates);
  if (near !== undefined) return `did you mean \`${near}\`?`;
  if (candidates.length === 0) return undefined;
  const shown = candidates.slice(0, 12).map((candidate) => `\`${candidate}\``);
  const more = candidates.length - shown.length;
  return `${what}: ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** A value as it may stand in a message: one line, no control characters, not too long. */
export function quoted(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ');
  return `\`${line.length > 60 ? `${line.slice(0, 57)}…` : line}\``;
}
