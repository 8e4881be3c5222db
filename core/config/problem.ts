import { quoted } from '../text/suggestions.ts';

/** Keys and list indices from the root of the file. */
export type Path = readonly (string | number)[];

/** A problem before it has a location. No field holds a secret. */
export interface Finding {
  severity: 'error' | 'warning';
  path: Path;
  /** Whether the location is that of the key or of its value. */
  at: 'key' | 'value';
  message: string;
  suggestion?: string;
  /** The earlier element with the same name or address. The suggestion gets its line. */
  first?: Path;
  /** The finding is that something is missing: unreliable when a syntax error ends the file early. */
  absence?: true;
}

/** A line of the file with an ellipsis for everything that may be secret, and the range to underline (0-based). */
export interface Excerpt {
  text: string;
  start: number;
  length: number;
}

/** A finding with its location. Lines and columns count from 1. */
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

/** `clusters[0].nodes[2].role`. Keys with other characters are quoted. */
export function formatPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\p{L}\p{N}_…-]+$/u.test(part)) text += text ? `.${part}` : part;
    else text += `[${JSON.stringify(quoted(part).slice(1, -1))}]`;
  }
  return text;
}
