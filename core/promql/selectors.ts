// Selectors of a query: `name{label="value"}`.

import { MATCHER_OPS, type Matcher } from '../model/silence.ts';
import type { SelectorNode } from './ast.ts';
import { METRIC_NAME } from './label-sets.ts';
import { stringOf } from './literals.ts';
import { compileMatcher } from './matchers.ts';
import { errorAt } from './positions.ts';
import { QueryError } from './source.ts';
import type { TokenReader } from './token-reader.ts';
import type { Token } from './tokens.ts';

/** @throws QueryError */
export function parseSelector(tokens: TokenReader): SelectorNode {
  const { from, kind, text } = tokens.peek();
  const matchers: Matcher[] = [];
  let hasName = false;
  if (kind === 'name') {
    tokens.next();
    hasName = true;
    matchers.push({ name: METRIC_NAME, op: '=', value: text });
  } else if (text !== '{') {
    throw tokens.unexpected(tokens.peek(), 'a selector, like `name{label="value"}`');
  }
  let matchesNothing = hasName;
  if (tokens.take('{')) {
    while (!tokens.take('}')) {
      const { from: at } = tokens.peek();
      const matcher = parseMatcher(tokens);
      if (hasName && matcher.name === METRIC_NAME) {
        throw tokens.error('the name of the metric is given twice, before the braces and in them', at);
      }
      matchers.push(matcher);
      // As Prometheus, whatever the regular expression: also the first of two matchers of one label counts.
      if (!testAt(tokens, matcher, at)('')) matchesNothing = true;
      if (tokens.peek().text !== '}') tokens.expect(',', 'or `}`');
    }
  }
  if (!matchesNothing) {
    throw tokens.error('the selector needs a metric, or a matcher that does not match an empty value', from);
  }
  return { kind: 'selector', matchers, offsetMs: 0, from, to: tokens.lastTo() };
}

/** `label="value"`, `"label"="value"`, or the quoted name of a metric alone. */
function parseMatcher(tokens: TokenReader): Matcher {
  const label = tokens.next();
  const isQuoted = label.kind === 'string';
  if (!isQuoted && label.kind !== 'name') throw tokens.unexpected(label, 'the name of a label or `}`');
  const name = isQuoted ? stringOf(tokens.query, label) : label.text;
  const op = MATCHER_OPS.find((one) => isPunctuation(tokens.peek(), one));
  if (!op) {
    if (isQuoted) return { name: METRIC_NAME, op: '=', value: name };
    throw tokens.unexpected(tokens.peek(), '`=`, `!=`, `=~` or `!~`');
  }
  if (name === '') throw tokens.error('the name of a label is empty', label.from);
  tokens.next();
  const value = tokens.next();
  if (value.kind !== 'string') throw tokens.unexpected(value, 'a value in quotes');
  return { name, op, value: stringOf(tokens.query, value) };
}

function isPunctuation({ kind, text }: Token, wanted: string): boolean {
  return kind === 'punctuation' && text === wanted;
}

/** Compiles it, so that an invalid expression is found with its line and column. */
function testAt({ query }: TokenReader, matcher: Matcher, offset: number) {
  try {
    return compileMatcher(matcher);
  } catch (error) {
    if (error instanceof QueryError) throw errorAt(query, offset, error.message);
    throw error;
  }
}
