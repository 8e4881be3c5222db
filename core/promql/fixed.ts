import type { QueryNode } from './ast.ts';

/** Their results vary with the time of evaluation, whatever their arguments. */
const OF_TIME: ReadonlySet<string> = new Set([
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'days_in_month',
  'hour',
  'minute',
  'month',
  'predict_linear',
  'time',
  'timestamp',
  'year',
]);

/**
 * Whether an expression has one value for all steps, as `@` fixes all that it reads. As in Prometheus' engine, the parameter of
 * an aggregation counts for nothing: it is that of the first step.
 */
export function isFixed(node: QueryNode): boolean {
  switch (node.kind) {
    case 'number':
    case 'string':
      return true;
    case 'selector':
    case 'subquery':
      return node.at !== undefined;
    case 'aggregate':
    case 'unary':
      return isFixed(node.expr);
    case 'binary':
      return isFixed(node.left) && isFixed(node.right);
    case 'call':
      if (OF_TIME.has(node.name)) return node.name === 'timestamp' && isFixedSelector(node.args[0]);
      return node.args.every(isFixed);
  }
}

function isFixedSelector(node: QueryNode | undefined): boolean {
  return node?.kind === 'selector' && node.at !== undefined;
}
