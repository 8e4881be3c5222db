// Matchers as Alertmanager and its clients write and send them. Its `alertname` is our `rule`.

import type { Labels } from '../../core/model/labels.ts';
import type { Matcher } from '../../core/model/silence.ts';
import { checkMatcher } from '../../core/notify/silences.ts';
import { BadRequestError } from './bad-request.ts';

const LONGEST = 2_000;
const MATCHER = /^\s*("(?:[^"\\]|\\.)*"|[a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$/s;
const ESCAPED: Readonly<Record<string, string>> = { n: '\n', '"': '"', '\\': '\\' };

/**
 * Reads `node="prod-1"`, `node=~prod-.*`, in braces or not; the name is Alertmanager's. @throws BadRequestError
 */
export function parseMatcher(text: string): Matcher {
  if (text.length > LONGEST) throw new BadRequestError(`a matcher has ${LONGEST} characters at most`);
  const bare = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1] ?? text;
  const [, name, op, value] = MATCHER.exec(bare) ?? [];
  if (name === undefined || op === undefined || value === undefined)
    throw new BadRequestError(`${JSON.stringify(text)} is no matcher; write one such as node="prod-1"`);
  const matcher = { name: unquote(name, text), op: op as Matcher['op'], value: unquote(value, text) };
  try {
    checkMatcher(matcher);
  } catch (error) {
    throw new BadRequestError((error as Error).message);
  }
  return matcher;
}

/** As in Alertmanager, quotes around a value may be left out. */
function unquote(value: string, text: string): string {
  const isQuoted = value.startsWith('"');
  if (isQuoted && (value.length < 2 || !value.endsWith('"')))
    throw new BadRequestError(`${JSON.stringify(text)} lacks a quote at its end`);
  const inner = isQuoted ? value.slice(1, -1) : value;
  const parts = /^(?:[^"\\]|\\.)*$/s.test(inner) ? inner : undefined;
  if (parts === undefined)
    throw new BadRequestError(`${JSON.stringify(text)} has a quote inside its value; write \\" for it`);
  // Other letters behind a backslash are those of a regular expression.
  return parts.replace(/\\(.)/gs, (whole, letter: string) => ESCAPED[letter] ?? whole);
}

/** The label of ours that a client means by that name. */
export function ourName(name: string): string {
  return name === 'alertname' ? 'rule' : name;
}

/** Labels of ours under Alertmanager's names. */
export function shownLabels({ rule, ...labels }: Labels): Record<string, string> {
  return rule === undefined ? labels : { alertname: rule, ...labels };
}

export interface ShownMatcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

export function shownMatcher({ name, op, value }: Matcher): ShownMatcher {
  return {
    name: name === 'rule' ? 'alertname' : name,
    value,
    isRegex: op === '=~' || op === '!~',
    isEqual: op === '=' || op === '=~',
  };
}

export function ourMatcher({ name, value, isRegex, isEqual }: ShownMatcher): Matcher {
  const op = isRegex ? (isEqual ? '=~' : '!~') : isEqual ? '=' : '!=';
  return { name: ourName(name), op, value };
}
