// From the text of a query to its tree, by operator precedence.

import type { Matcher } from '../model/silence.ts';
import type { BinaryNode, QueryNode } from './ast.ts';
import { checkDepth, MAX_DEPTH } from './depth.ts';
import { AGGREGATIONS, type AggregationName, FUNCTIONS, functionType } from './functions.ts';
import { numberOf, stringOf } from './literals.ts';
import { applyModifiers } from './modifiers.ts';
import { parseSelector } from './selectors.ts';
import { createTokenReader, type TokenReader } from './token-reader.ts';
import { checkTypes } from './types.ts';
import { whyUnsupported } from './unsupported.ts';

/** A query of 1,000 node names fits. */
const MAX_QUERY_LENGTH = 16 * 1024;

type Op = BinaryNode['op'];

const NAMES = [...Object.keys(FUNCTIONS), ...Object.keys(AGGREGATIONS)];

const POWER = 6;
const UNARY = 5;
const PRECEDENCES: ReadonlyMap<string, number> = new Map([
  ['or', 1],
  ['and', 2],
  ['unless', 2],
  ['==', 3],
  ['!=', 3],
  ['>', 3],
  ['<', 3],
  ['>=', 3],
  ['<=', 3],
  ['+', 4],
  ['-', 4],
  ['*', UNARY],
  ['/', UNARY],
  ['%', UNARY],
  ['atan2', UNARY],
  ['^', POWER],
]);

/** The tree of a query whose types are right. @throws QueryError that names line and column */
export function parseQuery(query: string): QueryNode {
  const tokens = openQuery(query);
  const tree = parseExpression(tokens, 0, 0);
  tokens.expectEnd();
  checkDepth(query, tree);
  checkTypes(query, tree);
  return tree;
}

/** The matchers of a selector alone, as `match[]` has them. @throws QueryError */
export function parseMetricSelector(query: string): readonly Matcher[] {
  const tokens = openQuery(query);
  const { matchers } = parseSelector(tokens);
  tokens.expectEnd();
  return matchers;
}

function openQuery(query: string): TokenReader {
  return createTokenReader(query, MAX_QUERY_LENGTH);
}

/** An expression of operators that bind at least as strongly as `least`. */
function parseExpression(tokens: TokenReader, least: number, depth: number): QueryNode {
  if (depth > MAX_DEPTH) throw tokens.error(`the query is nested deeper than ${MAX_DEPTH} levels`);
  let left = parseUnary(tokens, depth);
  while (true) {
    const op = tokens.peek().text.toLowerCase();
    const precedence = tokens.peek().kind === 'string' ? undefined : PRECEDENCES.get(op);
    if (precedence === undefined || precedence < least) return left;
    tokens.next();
    const modifiers = parseBinaryModifiers(tokens);
    // Only `^` groups from the right.
    const right = parseExpression(tokens, op === '^' ? precedence : precedence + 1, depth + 1);
    left = { kind: 'binary', op: op as Op, ...modifiers, left, right, from: left.from, to: right.to };
  }
}

function parseUnary(tokens: TokenReader, depth: number): QueryNode {
  const { from } = tokens.peek();
  const op = tokens.take('-', '+')?.text;
  if (op !== '-' && op !== '+') {
    const isInParentheses = tokens.peek().text === '(';
    return applyModifiers(tokens, parsePrimary(tokens, depth), isInParentheses);
  }
  // As strong as `*`, weaker than `^`: -2^2 is -4.
  const expr = parseExpression(tokens, UNARY + 1, depth + 1);
  if (expr.kind === 'number') return { ...expr, value: op === '-' ? -expr.value : expr.value, from };
  return { kind: 'unary', op, expr, from, to: expr.to };
}

function parseBinaryModifiers(tokens: TokenReader): Pick<BinaryNode, 'bool' | 'matching'> {
  const bool = tokens.take('bool') !== undefined;
  const mode = tokens.take('on', 'ignoring')?.text.toLowerCase();
  const { text, from } = tokens.peek();
  if (mode === undefined && /^group_(left|right)$/i.test(text)) {
    throw tokens.error(`\`${text}\` needs \`on(…)\` or \`ignoring(…)\` before it`, from);
  }
  let matching: BinaryNode['matching'];
  if (mode !== undefined) {
    matching = { mode: mode === 'on' ? 'on' : 'ignoring', labels: parseLabelNames(tokens) };
    const side = tokens.take('group_left', 'group_right')?.text.toLowerCase();
    if (side !== undefined) {
      const include = tokens.peek().text === '(' ? parseLabelNames(tokens) : [];
      matching.group = { side: side === 'group_left' ? 'left' : 'right', include };
    }
  }
  if (/^fill(_left|_right)?$/i.test(tokens.peek().text) && tokens.peek(1).text === '(') {
    throw tokens.error(`\`${tokens.peek().text}\` is experimental in Prometheus and not supported`);
  }
  return { bool, ...(matching && { matching }) };
}

/** Each once: to name a label twice changes nothing. */
function parseLabelNames(tokens: TokenReader): string[] {
  const names = new Set<string>();
  tokens.expect('(');
  while (!tokens.take(')')) {
    const token = tokens.next();
    const name = token.kind === 'string' ? stringOf(tokens.query, token) : token.text;
    if ((token.kind !== 'name' && token.kind !== 'string') || name === '') {
      throw tokens.unexpected(token, 'the name of a label or `)`');
    }
    names.add(name);
    if (tokens.peek().text !== ')') tokens.expect(',', 'or `)`');
  }
  return [...names];
}

function parsePrimary(tokens: TokenReader, depth: number): QueryNode {
  const token = tokens.peek();
  const { from, to } = token;
  switch (token.kind) {
    case 'number':
    case 'duration':
      return { kind: 'number', value: numberOf(tokens.query, tokens.next()), from, to };
    case 'string':
      return { kind: 'string', value: stringOf(tokens.query, tokens.next()), from, to };
    case 'name':
      return parseNamed(tokens, depth);
    case 'punctuation':
    case 'end':
      if (token.text === '{') return parseSelector(tokens);
      tokens.expect('(', undefined, 'an expression');
      return parseParenthesised(tokens, depth);
  }
}

function parseParenthesised(tokens: TokenReader, depth: number): QueryNode {
  const expr = parseExpression(tokens, 0, depth + 1);
  tokens.expect(')');
  return expr;
}

function parseNamed(tokens: TokenReader, depth: number): QueryNode {
  const { text, from, to } = tokens.peek();
  const name = text.toLowerCase();
  if (name === 'inf' || name === 'nan') {
    return { kind: 'number', value: numberOf(tokens.query, tokens.next()), from, to };
  }
  const following = tokens.peek(1).text.toLowerCase();
  if (
    Object.hasOwn(AGGREGATIONS, name) &&
    (following === '(' || following === 'by' || following === 'without')
  ) {
    return parseAggregate(tokens, depth);
  }
  if (following !== '(') {
    if (/^(bool|on|ignoring|group_left|group_right|atan2)$/.test(name)) {
      throw tokens.unexpected(tokens.peek(), `an expression (write {"${text}"} for a metric of this name)`);
    }
    return parseSelector(tokens);
  }
  if (!functionType(text)) throw tokens.unknownFunction(whyUnsupported(name), NAMES);
  tokens.next();
  const { args, to: end } = parseArguments(tokens, depth);
  return { kind: 'call', name: text, args, from, to: end };
}

function parseAggregate(tokens: TokenReader, depth: number): QueryNode {
  const { text, from } = tokens.next();
  const op = text.toLowerCase();
  const before = parseGrouping(tokens);
  const { args, to } = parseArguments(tokens, depth);
  const after = before ? undefined : parseGrouping(tokens);
  const wanted = AGGREGATIONS[op as AggregationName] ? 2 : 1;
  const expr = args[wanted - 1];
  if (!expr || args.length !== wanted) {
    const what = wanted === 1 ? '1 argument' : '2 arguments, the parameter first';
    throw tokens.error(`${op}() takes ${what}, not ${args.length}`, from);
  }
  const grouping = before ?? after;
  const parameter = wanted === 2 ? args[0] : undefined;
  return {
    kind: 'aggregate',
    op,
    ...(grouping && { grouping: grouping.of }),
    ...(parameter && { parameter }),
    expr,
    from,
    to: after?.to ?? to,
  };
}

function parseGrouping(tokens: TokenReader) {
  const mode = tokens.take('by', 'without')?.text.toLowerCase();
  if (mode === undefined) return undefined;
  const labels = parseLabelNames(tokens);
  return { of: { mode: mode === 'by' ? 'by' : 'without', labels } as const, to: tokens.lastTo() };
}

function parseArguments(tokens: TokenReader, depth: number): { args: QueryNode[]; to: number } {
  const args: QueryNode[] = [];
  tokens.expect('(');
  if (!tokens.take(')')) {
    do args.push(parseExpression(tokens, 0, depth + 1));
    while (tokens.take(','));
    tokens.expect(')', 'or `,`');
  }
  return { args, to: tokens.lastTo() };
}
