// Matchers as people and clients of Alertmanager write them.

import { ConfigError } from '../errors.ts';
import type { Matcher } from '../model/silence.ts';
import { checkMatcher } from './silences.ts';

const LONGEST = 2_000;
const MATCHER = /^\s*("(?:[^"\\]|\\.)*"|[a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$/s;
const ESCAPED: Readonly<Record<string, string>> = { n: '\n', '"': '"', '\\': '\\' };

/** Reads `node="prod-1"`, `node=~prod-.*`, in braces or not. @throws ConfigError that says what is wrong with it */
export function parseMatcher(text: string): Matcher {
  if (text.length > LONGEST) throw new ConfigError(`a matcher has ${LONGEST} characters at most`);
  const bare = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1] ?? text;
  const [, name, op, value] = MATCHER.exec(bare) ?? [];
  if (name === undefined || op === undefined || value === undefined)
    throw new ConfigError(`${JSON.stringify(text)} is no matcher; write one such as node="prod-1"`);
  const matcher = { name: unquote(name, text), op: op as Matcher['op'], value: unquote(value, text) };
  checkMatcher(matcher);
  return matcher;
}

/** As in Alertmanager, quotes around a value may be left out. */
function unquote(value: string, text: string): string {
  const isQuoted = value.startsWith('"');
  if (isQuoted && (value.length < 2 || !value.endsWith('"')))
    throw new ConfigError(`${JSON.stringify(text)} lacks a quote at its end`);
  const inner = isQuoted ? value.slice(1, -1) : value;
  if (!/^(?:[^"\\]|\\.)*$/s.test(inner))
    throw new ConfigError(`${JSON.stringify(text)} has a quote inside its value; write \\" for it`);
  // Other letters behind a backslash are those of a regular expression.
  return inner.replace(/\\(.)/gs, (whole, letter: string) => ESCAPED[letter] ?? whole);
}
