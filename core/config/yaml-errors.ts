import type { YAMLError } from 'yaml';

export type Text = readonly [message: string, suggestion: string];

/** An error of the YAML itself. It has an offset and no path. */
export interface SyntaxFinding {
  offset: number;
  message: string;
  suggestion: string;
  /** The rest of the file is unreliable. */
  structural: boolean;
}

const QUOTE = 'put the text in quotes';
/**
 * Our messages for the library's errors: its own messages quote the file, which may hold a secret.
 * Codes: https://eemeli.org/yaml/#errors
 */
const TEXTS: Readonly<Record<string, Text>> = {
  ALIAS_PROPS: ['an alias has no tag or anchor', 'leave only `*name`'],
  BAD_ALIAS: ['this alias is not a name', 'quote a text that starts with `*`'],
  BAD_DIRECTIVE: ['this directive is not known', 'leave it out'],
  BAD_DQ_ESCAPE: ['not an escape that YAML knows', 'use single quotes, or write `\\\\` for a backslash'],
  BAD_INDENT: [
    'the indentation does not fit, or a bracket is not closed',
    'align it with its siblings, or close the `{`, `[` or quote before it',
  ],
  BAD_SCALAR_START: ['a text cannot start with this character', QUOTE],
  BLOCK_AS_IMPLICIT_KEY: [
    'a key and its value stand inside a value',
    'put the text in quotes if it holds `: `, or start a new line for the inner key',
  ],
  BLOCK_IN_FLOW: [
    'a block stands inside `{ }` or `[ ]`',
    'write it within the brackets, separated by commas',
  ],
  DUPLICATE_KEY: ['this key stands here already', 'keep one of the two'],
  KEY_OVER_1024_CHARS: ['this key is too long', 'a `:` or a quote may be missing'],
  MISSING_CHAR: [
    'a closing quote, bracket, comma or colon is missing',
    'look at this line and the one before',
  ],
  MULTILINE_IMPLICIT_KEY: [
    'this key goes over several lines',
    'a `:` is missing after it, or the next line is indented too far',
  ],
  MULTIPLE_ANCHORS: ['two anchors for one value', 'keep one'],
  MULTIPLE_DOCS: ['a second document starts here', 'one file is one configuration: remove the `---`'],
  MULTIPLE_TAGS: ['two tags for one value', 'keep none'],
  RESOURCE_EXHAUSTION: ['this is nested too deeply', 'nothing in a configuration goes that deep'],
  TAB_AS_INDENT: ['a tab is used for indentation', 'use spaces'],
  TAG_RESOLVE_FAILED: [
    'this tag means nothing here',
    `${QUOTE} if it starts with \`!\`, else remove the tag`,
  ],
  UNEXPECTED_TOKEN: [
    'this is not expected here',
    'look at the indentation, and for a missing quote, comma or bracket',
  ],
};
const OTHER: Text = ['this is not YAML', `${QUOTE}, or look at the indentation`];
export const REFERENCE_NEEDS_QUOTES: Text = [
  'a reference inside `{ }` or `[ ]` needs quotes',
  `write \`"\${env:NAME}"\`, or give it a line of its own without the brackets`,
];
/** Errors that do not affect the rest of the file. */
const HARMLESS = new Set([
  'BAD_DIRECTIVE',
  'BAD_DQ_ESCAPE',
  'BAD_SCALAR_START',
  'DUPLICATE_KEY',
  'TAG_RESOLVE_FAILED',
]);

/** Makes findings of the library's errors. It keeps the first of a line, because the others are nearly always its consequence. */
export function describeSyntax(text: string, errors: readonly YAMLError[]): SyntaxFinding[] {
  const findings: SyntaxFinding[] = [];
  const lines = new Set<number>();
  for (const { code, pos, message: original } of [...errors].sort((a, b) => a.pos[0] - b.pos[0])) {
    const offset = visibleOffset(text, pos[0]);
    const line = text.lastIndexOf('\n', offset - 1);
    if (lines.has(line)) continue;
    lines.add(line);
    const reference = /^\$\{[A-Za-z]+:/.test(text.slice(Math.max(0, offset - 1), offset + 10));
    const [message, suggestion] = reference ? REFERENCE_NEEDS_QUOTES : (TEXTS[code] ?? OTHER);
    findings.push({
      offset: reference ? offset - 1 : offset,
      message,
      suggestion,
      structural: !HARMLESS.has(code),
    });
    // The parser has given up, and reports everything from here on as unexpected.
    if (original.includes('in YAML stream')) break;
  }
  return findings;
}

/** Moves an offset at the start of a line, or behind the end, to the next text of the line, or to the last text. */
function visibleOffset(text: string, offset: number): number {
  const ahead = /^ *(?=[^ \r\n])/.exec(text.slice(offset, offset + 200));
  if (ahead) return offset + ahead[0].length;
  return Math.max(0, text.slice(0, offset).trimEnd().length - 1);
}
