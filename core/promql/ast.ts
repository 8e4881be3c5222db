// A query as a tree. Every node knows where it stands in the text, so that an error can name its place.

import type { Matcher } from '../model/silence.ts';

/** Offsets in the query's text: `from` inclusive, `to` exclusive. */
export interface Span {
  from: number;
  to: number;
}

export type ValueType = 'scalar' | 'vector' | 'matrix' | 'string';

export interface NumberNode extends Span {
  kind: 'number';
  value: number;
}

export interface StringNode extends Span {
  kind: 'string';
  value: string;
}

/** `@ 1609746000`, `@ start()`, `@ end()`; times in milliseconds. */
export type AtModifier = { timeMs: number } | 'start' | 'end';

/** `name{matchers} offset 5m @ 0`. A name is a matcher `__name__ =`. `rangeMs` present: a range vector. */
export interface SelectorNode extends Span {
  kind: 'selector';
  matchers: readonly Matcher[];
  rangeMs?: number;
  /** May be negative. */
  offsetMs: number;
  at?: AtModifier;
}

/** `expr[30m:1m] offset 5m @ 0`: the values of `expr` at multiples of the step, as a range vector. */
export interface SubqueryNode extends Span {
  kind: 'subquery';
  expr: QueryNode;
  rangeMs: number;
  /** Absent: the evaluator's default. */
  stepMs?: number;
  offsetMs: number;
  at?: AtModifier;
}

export interface CallNode extends Span {
  kind: 'call';
  name: string;
  args: readonly QueryNode[];
}

export interface AggregateNode extends Span {
  kind: 'aggregate';
  op: string;
  /** `by` or `without` these labels; absent: over all. */
  grouping?: { mode: 'by' | 'without'; labels: readonly string[] };
  /** `topk`, `bottomk`, `quantile` and `count_values` have one. */
  parameter?: QueryNode;
  expr: QueryNode;
}

export interface UnaryNode extends Span {
  kind: 'unary';
  op: '+' | '-';
  expr: QueryNode;
}

export interface BinaryNode extends Span {
  kind: 'binary';
  op:
    | '+'
    | '-'
    | '*'
    | '/'
    | '%'
    | '^'
    | '=='
    | '!='
    | '>'
    | '<'
    | '>='
    | '<='
    | 'and'
    | 'or'
    | 'unless'
    | 'atan2';
  /** Comparison gives 0 or 1 instead of filtering. */
  bool: boolean;
  /** `on` or `ignoring`, with `group_left`/`group_right` and the labels that these include. */
  matching?: {
    mode: 'on' | 'ignoring';
    labels: readonly string[];
    group?: { side: 'left' | 'right'; include: readonly string[] };
  };
  left: QueryNode;
  right: QueryNode;
}

export type QueryNode =
  | NumberNode
  | StringNode
  | SelectorNode
  | SubqueryNode
  | CallNode
  | AggregateNode
  | UnaryNode
  | BinaryNode;
