// The tokens of a query.

import { quoted } from '../text/suggestions.ts';
import type { Span } from './ast.ts';
import { errorAt } from './positions.ts';

export interface Token extends Span {
  /** `punctuation` includes the operators that are no names. `end` is the end of the query. */
  kind: 'name' | 'number' | 'duration' | 'string' | 'punctuation' | 'end';
  text: string;
}

const SPACE = /(?:[ \t\r\n]|#[^\n]*)+/y;
/** Colons are for names of recording rules; in brackets they stand between range and step. */
const NAME = /[A-Za-z_:][\w:]*/y;
const NAME_IN_BRACKETS = /[A-Za-z_]\w*/y;
const NUMBER =
  /(?:0[xX]_?[\da-fA-F]+(?:_[\da-fA-F]+)*|(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?)(?![\w.])/y;
const DURATION =
  /(?=\d)(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m(?!s))?(?:\d+s)?(?:\d+ms)?(?<!\d)(?![\w.])/y;
const STRING = /"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'|`[^`]*`/y;
const PUNCTUATION = /=~|!~|==|!=|>=|<=|[-+*/%^(){}[\],=<>@:]/y;
/** What somebody meant as a number or a duration. */
const NUMBER_LIKE = /\.?\d[\w.]*/y;

/** Whether the whole text is a duration. */
export function isDuration(text: string): boolean {
  DURATION.lastIndex = 0;
  return text !== '' && DURATION.exec(text)?.[0] === text;
}

/** All tokens, the last of which is `end`. @throws QueryError */
export function tokenize(query: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let brackets: '[' | '{' | undefined;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(query)?.[0];
  };
  while (true) {
    at += match(SPACE)?.length ?? 0;
    if (at >= query.length) break;
    const token = nextToken(match, brackets !== undefined);
    if (!token) throw errorAt(query, at, unreadable(query, at, match));
    tokens.push({ ...token, from: at, to: at + token.text.length });
    at += token.text.length;
    if (token.text === '[' || token.text === '{') brackets = token.text;
    else if (token.text === ']' || token.text === '}') brackets = undefined;
  }
  tokens.push({ kind: 'end', text: '', from: query.length, to: query.length });
  return tokens;
}

function nextToken(
  match: (pattern: RegExp) => string | undefined,
  inBrackets: boolean,
): Pick<Token, 'kind' | 'text'> | undefined {
  const kinds: readonly (readonly [Token['kind'], RegExp])[] = [
    ['name', inBrackets ? NAME_IN_BRACKETS : NAME],
    ['number', NUMBER],
    ['duration', DURATION],
    ['string', STRING],
    ['punctuation', PUNCTUATION],
  ];
  for (const [kind, pattern] of kinds) {
    const text = match(pattern);
    if (text) return { kind, text };
  }
  return undefined;
}

function unreadable(query: string, at: number, match: (pattern: RegExp) => string | undefined): string {
  const first = String.fromCodePoint(query.codePointAt(at) ?? 0);
  if (/["'`]/.test(first)) return `the string that begins with ${first} has no end`;
  const numberLike = match(NUMBER_LIKE);
  if (numberLike) {
    return `${quoted(numberLike)} is neither a number nor a duration (\`1h30m\`: units y, w, d, h, m, s, ms, each once and in this order)`;
  }
  return `unexpected character ${quoted(first)}`;
}
