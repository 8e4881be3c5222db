// How deep a query is nested. Whoever walks its tree may recurse.

import type { QueryNode } from './ast.ts';
import { errorAt } from './positions.ts';

/** Levels of a tree, and of parentheses in its text. A chain `a + b + c` has one level for each operator. */
export const MAX_DEPTH = 200;

/** @throws QueryError when the tree has too many levels */
export function checkDepth(query: string, tree: QueryNode): void {
  const open: { node: QueryNode; depth: number }[] = [{ node: tree, depth: 1 }];
  for (let one = open.pop(); one; one = open.pop()) {
    const { node, depth } = one;
    if (depth > MAX_DEPTH) {
      throw errorAt(query, node.from, `the query is nested deeper than ${MAX_DEPTH} levels`);
    }
    for (const child of childrenOf(node)) open.push({ node: child, depth: depth + 1 });
  }
}

export function childrenOf(node: QueryNode): readonly QueryNode[] {
  switch (node.kind) {
    case 'number':
    case 'string':
    case 'selector':
      return [];
    case 'subquery':
    case 'unary':
      return [node.expr];
    case 'call':
      return node.args;
    case 'aggregate':
      return node.parameter ? [node.parameter, node.expr] : [node.expr];
    case 'binary':
      return [node.left, node.right];
  }
}
