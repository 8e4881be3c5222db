import { distance } from 'fastest-levenshtein';

/** The candidate that was probably meant: few edits away, or the same but for case and separators. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  if (name.length > 100) return undefined;
  let best: { candidate: string; edits: number } | undefined;
  for (const candidate of candidates) {
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase());
    const near = Math.floor(Math.max(name.length, candidate.length) / 3);
    if (candidate !== name && edits <= near && edits < (best?.edits ?? Infinity)) best = { candidate, edits };
  }
  return best?.candidate;
}

/** Edits from one name to another; two letters exchanged are one. */
function editDistance(a: string, b: string): number {
  const plain = (text: string) => text.replace(/[-_. ]/g, '');
  if (plain(a) === plain(b)) return 0;
  const at = [...a].findIndex((letter, i) => letter !== b[i]);
  const swapped = a.slice(0, at) + a.charAt(at + 1) + a.charAt(at) + a.slice(at + 2);
  return swapped === b ? 1 : distance(a, b);
}

/** `did you mean …?`, or the list of what is possible, or undefined when there is nothing. */
export function choose(name: string, candidates: readonly string[], what: string): string | undefined {
  const near = nearest(name, candidates);
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

const MOST_LISTED = 8;

/** The first few of many names: `a`, `b` and 9 more. */
export function quotedList(names: readonly string[]): string {
  const shown = names.slice(0, MOST_LISTED).map(quoted).join(', ');
  const more = names.length - MOST_LISTED;
  return more > 0 ? `${shown} and ${more} more` : shown;
}
