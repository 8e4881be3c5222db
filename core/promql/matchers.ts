// Matchers of labels in queries. Regular expressions run in linear time.

import { RE2JS } from 're2js';
import type { Labels } from '../model/labels.ts';
import type { Matcher } from '../model/silence.ts';
import { quoted } from '../text/suggestions.ts';
import { QueryError } from './source.ts';

/** Instructions of a compiled expression: each is tried for each character of each value. Mere alternatives compile to none. */
const MAX_PROGRAM_SIZE = 5_000;

/** Whether a value matches; a label that is missing has the value ''. */
export type ValueTest = (value: string) => boolean;

/** Compile once per query, not once per series. @throws QueryError */
export function compileMatcher({ op, value }: Matcher): ValueTest {
  switch (op) {
    case '=':
      return (found) => found === value;
    case '!=':
      return (found) => found !== value;
    case '=~':
      return compileTest(value);
    case '!~': {
      const matches = compileTest(value);
      return (found) => !matches(found);
    }
  }
}

/** Whether labels match all matchers. @throws QueryError */
export function compileMatchers(matchers: readonly Matcher[]): (labels: Labels) => boolean {
  const tests = matchers.map((matcher) => ({ name: matcher.name, matches: compileMatcher(matcher) }));
  return (labels) =>
    tests.every(({ name, matches }) => matches(Object.hasOwn(labels, name) ? (labels[name] ?? '') : ''));
}

const ALTERNATIVES = /^(?:[^\\.+*?()[\]{}^$]|\\[.+*?()[\]{}^$\\/-])*$/;

/** The values of an expression of names and alternatives alone, as dashboards send them; undefined for all others. */
export function alternativesOf(expression: string): string[] | undefined {
  const inner = /^\((.*)\)$/s.exec(expression)?.[1] ?? expression;
  if (!ALTERNATIVES.test(inner)) return undefined;
  return inner.split('|').map((value) => value.replace(/\\(.)/g, '$1'));
}

/** Anchored at both ends. */
function compileTest(source: string): ValueTest {
  const alternatives = alternativesOf(source);
  if (alternatives) {
    const values = new Set(alternatives);
    return (found) => values.has(found);
  }
  const expression = compileExpression(source);
  return (found) => expression.matches(found);
}

/** `.` matches line breaks too, as in Prometheus 3. @throws QueryError, also when it is too large */
export function compileExpression(source: string): RE2JS {
  const expression = compile(source);
  if (expression.programSize() <= MAX_PROGRAM_SIZE) return expression;
  throw new QueryError(
    'bad_data',
    `the regular expression ${quoted(source)} is too large: repeat less, or split it`,
  );
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(source, RE2JS.DOTALL);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new QueryError('bad_data', `the regular expression ${quoted(source)} is invalid: ${why}`);
  }
}
