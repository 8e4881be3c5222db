// Types of expressions, checked as Prometheus does before it evaluates.

import type { AggregateNode, BinaryNode, CallNode, QueryNode, ValueType } from './ast.ts';
import { AGGREGATIONS, type AggregationName, functionType } from './functions.ts';
import { errorAt } from './positions.ts';

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '>', '<', '>=', '<=']);
const SET_OPERATORS: ReadonlySet<string> = new Set(['and', 'or', 'unless']);

export type SetOperator = 'and' | 'or' | 'unless';

const NAMES: Record<ValueType, string> = {
  scalar: 'a scalar',
  vector: 'an instant vector',
  matrix: 'a range vector',
  string: 'a string',
};

export function isComparison(op: BinaryNode['op']): boolean {
  return COMPARISONS.has(op);
}

export function isSetOperator(op: BinaryNode['op']): op is SetOperator {
  return SET_OPERATORS.has(op);
}

/** The type of an expression whose types were checked. */
export function typeOf(node: QueryNode): ValueType {
  switch (node.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'selector':
      return node.rangeMs === undefined ? 'vector' : 'matrix';
    case 'subquery':
      return 'matrix';
    case 'aggregate':
      return 'vector';
    case 'call':
      return functionType(node.name)?.returns ?? 'vector';
    case 'unary':
      return typeOf(node.expr);
    case 'binary':
      return typeOf(node.left) === 'scalar' && typeOf(node.right) === 'scalar' ? 'scalar' : 'vector';
  }
}

/** The type of an expression. @throws QueryError at the first operand or argument of a wrong type */
export function checkTypes(query: string, node: QueryNode): ValueType {
  switch (node.kind) {
    case 'number':
    case 'string':
    case 'selector':
      return typeOf(node);
    case 'subquery':
      expectType(query, node.expr, 'vector', 'a subquery');
      return 'matrix';
    case 'aggregate':
      return checkAggregate(query, node);
    case 'call':
      return checkCall(query, node);
    case 'unary': {
      const type = checkTypes(query, node.expr);
      if (type === 'scalar' || type === 'vector') return type;
      throw errorAt(
        query,
        node.from,
        `\`${node.op}\` needs a scalar or an instant vector, not ${NAMES[type]}`,
      );
    }
    case 'binary':
      return checkBinary(query, node);
  }
}

function expectType(query: string, node: QueryNode, wanted: ValueType, context: string): void {
  const type = checkTypes(query, node);
  if (type === wanted) return;
  const hint =
    wanted === 'matrix' && type === 'vector' && node.kind === 'selector'
      ? ': add a range, like `[5m]`'
      : wanted === 'vector' && type === 'matrix'
        ? ': it lacks a function like rate() or avg_over_time()'
        : wanted === 'vector' && type === 'scalar'
          ? ': write vector(…) around it'
          : wanted === 'scalar' && type === 'vector'
            ? ': write scalar(…) around it'
            : '';
  throw errorAt(query, node.from, `${context} needs ${NAMES[wanted]} here, not ${NAMES[type]}${hint}`);
}

function checkAggregate(query: string, { op, parameter, expr }: AggregateNode): ValueType {
  const wanted = AGGREGATIONS[op as AggregationName];
  if (wanted && parameter) expectType(query, parameter, wanted, `${op}()`);
  expectType(query, expr, 'vector', `${op}()`);
  return 'vector';
}

function checkCall(query: string, { name, args, from }: CallNode): ValueType {
  const type = functionType(name);
  if (!type) throw errorAt(query, from, `unknown function \`${name}\``);
  const { repeats = false, optional = repeats ? 1 : 0 } = type;
  const least = type.args.length - optional;
  const most = repeats ? Infinity : type.args.length;
  if (args.length < least || args.length > most) {
    const wanted = repeats ? `at least ${least}` : least === most ? String(least) : `${least} or ${most}`;
    const plural = wanted === '1' ? '' : 's';
    throw errorAt(query, from, `${name}() takes ${wanted} argument${plural}, not ${args.length}`);
  }
  args.forEach((arg, i) => {
    expectType(query, arg, type.args[i] ?? type.args.at(-1) ?? 'vector', `${name}()`);
  });
  return type.returns;
}

function checkBinary(query: string, node: BinaryNode): ValueType {
  const { op, bool, matching } = node;
  const types = [node.left, node.right].map((side) => {
    const type = checkTypes(query, side);
    if (type === 'scalar' || type === 'vector') return type;
    const hint = type === 'matrix' ? ': it lacks a function like rate() or avg_over_time()' : '';
    throw errorAt(
      query,
      side.from,
      `\`${op}\` needs a scalar or an instant vector here, not ${NAMES[type]}${hint}`,
    );
  });
  const type = types.includes('vector') ? 'vector' : 'scalar';
  const areVectors = !types.includes('scalar');
  if (bool && !isComparison(op))
    throw errorAt(query, node.from, `\`bool\` is for comparisons, not for \`${op}\``);
  if (isComparison(op) && !bool && type === 'scalar') {
    throw errorAt(query, node.from, `a comparison of scalars needs \`bool\`: write \`${op} bool\``);
  }
  if (isSetOperator(op) && !areVectors) {
    throw errorAt(
      query,
      node.from,
      `\`${op}\` needs instant vectors on both sides: write vector(…) around a scalar`,
    );
  }
  if (!matching) return type;
  if (!areVectors) {
    // `on()` of no labels says nothing: Prometheus takes it, too.
    if (matching.labels.length === 0 && !matching.group) return type;
    throw errorAt(query, node.from, `\`${matching.mode}\` needs instant vectors on both sides of \`${op}\``);
  }
  if (!matching.group) return type;
  if (isSetOperator(op))
    throw errorAt(query, node.from, `\`group_${matching.group.side}\` is not for \`${op}\``);
  const both =
    matching.mode === 'on' && matching.labels.find((label) => matching.group?.include.includes(label));
  if (both)
    throw errorAt(
      query,
      node.from,
      `the label \`${both}\` is in \`on\` and in \`group_${matching.group.side}\``,
    );
  return type;
}
