// Where our answers may differ from those of the engine, and why; docs/promql.md explains it to users.
import type { QueryNode } from '../../core/promql/ast.ts';
import { childrenOf } from '../../core/promql/depth.ts';
import type { Leniency } from './comparison.ts';

/**
 * Go computes these by algorithms of its own, JavaScript by those of fdlibm: their last bits differ. All else is IEEE 754
 * arithmetic in the same order, and equal to the last bit.
 */
const APPROXIMATE = new Set([
  ...['sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh'],
  ...['exp', 'ln', 'log2', 'log10', '^', 'atan2'],
]);
/** These change by about as much as the last bits of their operands do. */
const SMOOTH = new Set(['+', '-', '*', '/', 'sum', 'avg', 'min', 'max', 'abs', 'sqrt', 'rad', 'deg']);

const opOf = (node: QueryNode) => (node.kind === 'call' ? node.name : 'op' in node ? node.op : node.kind);

const LOGARITHMS = new Set(['ln', 'log2', 'log10']);

interface Difference {
  reason: string;
  covers(tree: QueryNode): boolean;
}

const anyOf = (node: QueryNode, test: (node: QueryNode) => boolean): boolean =>
  test(node) || childrenOf(node).some((child) => anyOf(child, test));

/** The engine's sort takes 0 and -0 for equal, and leaves them in any order; ours has -0 first. */
const SORTING = new Set(['quantile', 'quantile_over_time']);

export const leniencyFor = (tree: QueryNode): Leniency => ({
  approximate: isApproximate(tree),
  signlessZero: anyOf(tree, isQuantile),
});

const isApproximate = (tree: QueryNode): boolean => anyOf(tree, (node) => APPROXIMATE.has(opOf(node)));

const DIFFERENCES: readonly Difference[] = [
  {
    reason: 'it depends on the last bits of an approximate value, as `floor(exp(x))` and `2 ^ x == 4` do',
    covers: (tree) =>
      anyOf(
        tree,
        (node) => !SMOOTH.has(opOf(node)) && childrenOf(node).some((child) => isApproximate(child)),
      ),
  },
  {
    reason: 'the engine answers `predict_linear(x[5m:] @ time, y)` with nothing; ours with the prediction',
    covers: (tree) =>
      anyOf(tree, (node) => {
        const range = node.kind === 'call' && node.name === 'predict_linear' ? node.args[0] : undefined;
        return range?.kind === 'subquery' && range.at !== undefined;
      }),
  },
  {
    reason:
      'in a range query the engine sorts a vector at the first step, and keeps its series in that order; ours does not sort',
    covers: (tree) => childrenOf(tree).some((child) => anyOf(child, isSort)),
  },
  {
    reason: 'Go on amd64 computes wrong logarithms of numbers below 2.2e-308',
    covers: (tree) => anyOf(tree, (node) => LOGARITHMS.has(opOf(node)) && anyOf(node, readsExtremes)),
  },
  {
    reason: 'labels that `count_values` makes of quantiles are 0 or -0',
    covers: (tree) => anyOf(tree, (node) => opOf(node) === 'count_values' && anyOf(node, isQuantile)),
  },
];

const readsExtremes = (node: QueryNode) =>
  node.kind === 'selector' && node.matchers.some(({ value }) => value.includes('extremes'));
const isQuantile = (node: QueryNode) => SORTING.has(opOf(node));
const isSort = (node: QueryNode) => opOf(node) === 'sort' || opOf(node) === 'sort_desc';

/** Why the answers to a query may differ; undefined: they may not. */
export const reasonToDiffer = (tree: QueryNode): string | undefined =>
  DIFFERENCES.find(({ covers }) => covers(tree))?.reason;
