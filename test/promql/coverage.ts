// Which features of the language a tree uses.

import { MATCHER_OPS } from '../../core/model/silence.ts';
import type { QueryNode } from '../../core/promql/ast.ts';
import { childrenOf } from '../../core/promql/depth.ts';
import { AGGREGATIONS, FUNCTIONS } from '../../core/promql/functions.ts';

const OPERATORS = [
  '+',
  '-',
  '*',
  '/',
  '%',
  '^',
  'atan2',
  '==',
  '!=',
  '>',
  '<',
  '>=',
  '<=',
  'and',
  'or',
  'unless',
];

/** Every function, aggregation, operator, matcher and modifier, by the names that `featuresOf` gives them. */
export const FEATURES: readonly string[] = [
  ...Object.keys(FUNCTIONS).map((name) => `function ${name}`),
  ...Object.keys(AGGREGATIONS).map((name) => `aggregation ${name}`),
  ...OPERATORS.map((op) => `operator ${op}`),
  ...OPERATORS.slice(7, 13).map((op) => `operator ${op} bool`),
  ...MATCHER_OPS.map((op) => `matcher ${op}`),
  ...['unary -', 'unary +', 'subquery', 'subquery with step', 'by', 'without', 'on', 'ignoring'],
  ...['group_left', 'group_right', 'group_left with labels', 'group_right with labels'],
  ...['range', 'offset', 'negative offset', '@ time', '@ start()', '@ end()'],
];

export const featuresOf = (node: QueryNode): string[] => [
  ...ownFeatures(node),
  ...childrenOf(node).flatMap(featuresOf),
];

function ownFeatures(node: QueryNode): string[] {
  switch (node.kind) {
    case 'number':
    case 'string':
      return [];
    case 'selector':
      return [
        ...node.matchers.filter(({ name }) => name !== '__name__').map(({ op }) => `matcher ${op}`),
        ...(node.rangeMs === undefined ? [] : ['range']),
        ...modifiersOf(node),
      ];
    case 'subquery':
      return [node.stepMs === undefined ? 'subquery' : 'subquery with step', ...modifiersOf(node)];
    case 'call':
      return [`function ${node.name}`];
    case 'aggregate':
      return [`aggregation ${node.op}`, ...(node.grouping ? [node.grouping.mode] : [])];
    case 'unary':
      return [`unary ${node.op}`];
    case 'binary':
      return [`operator ${node.op}${node.bool ? ' bool' : ''}`, ...matchingOf(node)];
  }
}

function modifiersOf({ offsetMs, at }: Extract<QueryNode, { kind: 'selector' | 'subquery' }>): string[] {
  const offset = offsetMs === 0 ? [] : [offsetMs < 0 ? 'negative offset' : 'offset'];
  if (at === undefined) return offset;
  return [...offset, typeof at === 'string' ? `@ ${at}()` : '@ time'];
}

function matchingOf({ matching }: Extract<QueryNode, { kind: 'binary' }>): string[] {
  if (matching === undefined) return [];
  const { mode, group } = matching;
  if (group === undefined) return [mode];
  return [mode, `group_${group.side}${group.include.length > 0 ? ' with labels' : ''}`];
}
