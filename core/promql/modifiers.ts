// What may follow an expression: `[5m]`, `[30m:1m]`, `offset 5m`, `@ 1609746000`.

import type { AtModifier, QueryNode, SelectorNode, SubqueryNode } from './ast.ts';
import { durationMsOf, numberOf } from './literals.ts';
import type { TokenReader } from './token-reader.ts';

const DURATION = 'a duration, like `5m`';

/**
 * Modifiers bind more strongly than any operator. All but subqueries are for selectors, and for them alone: nothing
 * modifies what is in parentheses. @throws QueryError
 */
export function applyModifiers(tokens: TokenReader, expr: QueryNode, isInParentheses: boolean): QueryNode {
  let node = expr;
  /** Undefined: what was read is no selector and no subquery. */
  let target: SelectorNode | SubqueryNode | undefined = isInParentheses ? undefined : targetOf(expr);
  let offset = false;
  let at = false;
  while (true) {
    const { from, text } = tokens.peek();
    if (tokens.take('[')) {
      const rangeMs = parseDuration(tokens);
      if (tokens.take(':')) {
        const stepMs = tokens.peek().text === ']' ? undefined : parseDuration(tokens);
        target = {
          kind: 'subquery',
          expr: node,
          rangeMs,
          ...(stepMs && { stepMs }),
          offsetMs: 0,
          from: node.from,
          to: from,
        };
        offset = false;
        at = false;
      } else if (target?.kind !== 'selector' || target.rangeMs !== undefined) {
        throw tokens.error('only a selector has a range: write a step for a subquery, like `[30m:1m]`', from);
      } else if (offset || at) {
        throw tokens.error(`the range stands before \`${offset ? 'offset' : '@'}\``, from);
      } else target = { ...target, rangeMs };
      tokens.expect(']', tokens.peek(-1).text === ':' ? 'or a step' : undefined);
    } else if (tokens.take('offset')) {
      if (!target || offset) throw tokens.error(misplaced('offset', offset), from);
      target = { ...target, offsetMs: parseOffset(tokens) };
      offset = true;
    } else if (tokens.take('@')) {
      if (!target || at) throw tokens.error(misplaced('@', at), from);
      target = { ...target, at: parseAt(tokens) };
      at = true;
    } else if (/^(anchored|smoothed)$/i.test(text)) {
      throw tokens.error(`\`${text}\` is experimental in Prometheus and not supported`);
    } else return node;
    target.to = tokens.lastTo();
    node = target;
  }
}

function targetOf(node: QueryNode): SelectorNode | undefined {
  return node.kind === 'selector' ? node : undefined;
}

function misplaced(modifier: string, isRepeated: boolean): string {
  return isRepeated
    ? `\`${modifier}\` is given twice`
    : `\`${modifier}\` stands directly behind a selector or a subquery, inside of functions and parentheses`;
}

/** The range or the step of a range, at least a millisecond. */
function parseDuration(tokens: TokenReader): number {
  refuseArithmetic(tokens);
  const token = tokens.next();
  if (token.kind !== 'number' && token.kind !== 'duration') throw tokens.unexpected(token, DURATION);
  const ms = durationMsOf(tokens.query, token);
  if (ms < 1) throw tokens.error('the duration must be longer than 0', token.from);
  const { kind, text } = tokens.peek();
  if (kind === 'punctuation' && /^[-+*/%^]$/.test(text)) throw tokens.error(ARITHMETIC);
  return ms;
}

function parseOffset(tokens: TokenReader): number {
  const sign = tokens.take('-', '+')?.text;
  refuseArithmetic(tokens);
  const token = tokens.next();
  if (token.kind !== 'number' && token.kind !== 'duration') throw tokens.unexpected(token, DURATION);
  const ms = durationMsOf(tokens.query, token);
  return sign === '-' && ms !== 0 ? -ms : ms;
}

const ARITHMETIC =
  'arithmetic with durations is experimental in Prometheus and not supported: write the result';

function refuseArithmetic(tokens: TokenReader): void {
  if (/^(\(|step|range|max_of|min_of)$/i.test(tokens.peek().text)) throw tokens.error(ARITHMETIC);
}

function parseAt(tokens: TokenReader): AtModifier {
  const edge = tokens.take('start', 'end')?.text.toLowerCase();
  if (edge !== undefined) {
    tokens.expect('(');
    tokens.expect(')');
    return edge === 'start' ? 'start' : 'end';
  }
  const sign = tokens.take('-', '+')?.text;
  const token = tokens.next();
  const isNumber = token.kind === 'number' || token.kind === 'duration' || /^(inf|nan)$/i.test(token.text);
  if (!isNumber) throw tokens.unexpected(token, 'a time in seconds since 1970, `start()` or `end()`');
  const timeMs = Math.round(numberOf(tokens.query, token) * 1000) * (sign === '-' ? -1 : 1);
  if (!Number.isSafeInteger(timeMs)) throw tokens.error('this time lies too far from today', token.from);
  return { timeMs };
}
