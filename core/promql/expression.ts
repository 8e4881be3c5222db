// Evaluates the nodes of a query: first their operands, then what the node does with them.

import { REDUCERS, reduceGroups } from './aggregation.ts';
import type { AggregateNode, BinaryNode, CallNode, QueryNode, StringNode, SubqueryNode } from './ast.ts';
import { combineScalars, combineWithScalar, negate, vectorOf } from './binary.ts';
import type { Evaluation } from './evaluation.ts';
import { isFixed } from './fixed.ts';
import { type Grid, hasValue, type RangeVector, type SteppedSeries, timeAt, toColumns } from './grid.ts';
import { absentLabels, joinLabels, replaceLabel } from './label-functions.ts';
import { combineSets, combineVectors } from './matching.ts';
import { OVER_TIME } from './over-time.ts';
import { warnOfQuantiles } from './quantile.ts';
import { rankSeries, sortByValue } from './ranking.ts';
import { RATES } from './rates.ts';
import { readTimes, selectRange, selectVector } from './selected-series.ts';
import { QueryError } from './source.ts';
import { isSetOperator, typeOf } from './types.ts';
import { countValues } from './value-counts.ts';
import { absentSteps, mapValues, scalarOf, timesOf } from './vector-functions.ts';
import { applyToWindows, type RangeFunction } from './windows.ts';

const RANGE_FUNCTIONS: ReadonlyMap<string, RangeFunction> = new Map(
  Object.entries({ ...OVER_TIME, ...RATES }),
);

/** The caller owns the series. What it holds of the budget is what they have. */
export async function evaluateVector(
  node: QueryNode,
  grid: Grid,
  evaluation: Evaluation,
): Promise<SteppedSeries[]> {
  const { held } = evaluation;
  const isOnce = grid.steps > 1 && isFixed(node);
  const found = await computeVector(node, isOnce ? { ...grid, steps: 1 } : grid, evaluation).catch(
    (error) => {
      throw evaluation.locate(error, node);
    },
  );
  evaluation.held = held;
  evaluation.hold(found.length * grid.steps);
  return isOnce ? found.map((series) => repeat(series, grid.steps)) : found;
}

function repeat({ labels, values, present }: SteppedSeries, steps: number): SteppedSeries {
  return {
    labels,
    values: new Float64Array(steps).fill(values[0]!),
    present: new Uint8Array(steps).fill(present[0]!),
  };
}

async function computeVector(node: QueryNode, grid: Grid, evaluation: Evaluation): Promise<SteppedSeries[]> {
  switch (node.kind) {
    case 'selector':
      return selectVector(node, grid, evaluation);
    case 'unary': {
      const vector = await evaluateVector(node.expr, grid, evaluation);
      return node.op === '-' ? negate(vector, evaluation) : vector;
    }
    case 'binary':
      return evaluateBinary(node, grid, evaluation);
    case 'aggregate':
      return evaluateAggregate(node, grid, evaluation);
    case 'call':
      return evaluateCall(node, grid, evaluation);
    default:
      throw new QueryError('bad_data', `a ${node.kind} is no vector`);
  }
}

export async function evaluateScalar(
  node: QueryNode,
  grid: Grid,
  evaluation: Evaluation,
): Promise<Float64Array> {
  switch (node.kind) {
    case 'number':
      return new Float64Array(grid.steps).fill(node.value);
    case 'unary': {
      const values = await evaluateScalar(node.expr, grid, evaluation);
      return node.op === '-' ? values.map((value) => -value) : values;
    }
    case 'binary': {
      const left = await evaluateScalar(node.left, grid, evaluation);
      return combineScalars(node, left, await evaluateScalar(node.right, grid, evaluation));
    }
    case 'call':
      if (node.name === 'time')
        return Float64Array.from({ length: grid.steps }, (_, i) => timeAt(grid, i) / 1000);
      if (node.name === 'pi') return new Float64Array(grid.steps).fill(Math.PI);
      if (node.name === 'scalar') {
        const { held } = evaluation;
        const values = scalarOf(await evaluateVector(node.args[0]!, grid, evaluation), grid.steps);
        evaluation.held = held;
        return values;
      }
  }
  throw new QueryError('bad_data', `a ${node.kind} is no scalar`);
}

export async function evaluateRange(
  node: QueryNode,
  grid: Grid,
  evaluation: Evaluation,
): Promise<RangeVector> {
  if (node.kind === 'selector' && node.rangeMs !== undefined) {
    return selectRange(node, node.rangeMs, grid, evaluation);
  }
  if (node.kind === 'subquery') return evaluateSubquery(node, grid, evaluation);
  throw new QueryError('bad_data', `a ${node.kind} is no range vector`);
}

/** At the multiples of its step in all ranges that the outer steps ask for. */
async function evaluateSubquery(
  node: SubqueryNode,
  grid: Grid,
  evaluation: Evaluation,
): Promise<RangeVector> {
  const { rangeMs, stepMs = evaluation.subqueryStepMs } = node;
  const { firstMs, stepMs: endStepMs, lastMs } = readTimes(node, grid, evaluation);
  const openMs = firstMs - rangeMs;
  const startMs = stepMs * (Math.floor(openMs / stepMs) + 1);
  const steps = Math.max(0, Math.floor((lastMs - startMs) / stepMs) + 1);
  const { held } = evaluation;
  evaluation.hold(steps);
  const inner: Grid = { startMs, stepMs, steps };
  const found = steps === 0 ? [] : await evaluateVector(node.expr, inner, evaluation);
  evaluation.held = held;
  const series = found.filter(hasValue).map((one) => toColumns(one, inner));
  for (const { times } of series) evaluation.hold(times.length);
  return { series, endMs: firstMs, endStepMs, rangeMs };
}

async function evaluateBinary(
  node: BinaryNode,
  grid: Grid,
  evaluation: Evaluation,
): Promise<SteppedSeries[]> {
  if (typeOf(node.left) === 'scalar') {
    const scalar = await evaluateScalar(node.left, grid, evaluation);
    return combineWithScalar(
      node,
      await evaluateVector(node.right, grid, evaluation),
      scalar,
      'left',
      evaluation,
    );
  }
  const left = await evaluateVector(node.left, grid, evaluation);
  if (typeOf(node.right) === 'scalar') {
    return combineWithScalar(
      node,
      left,
      await evaluateScalar(node.right, grid, evaluation),
      'right',
      evaluation,
    );
  }
  const right = await evaluateVector(node.right, grid, evaluation);
  const { op } = node;
  return isSetOperator(op)
    ? combineSets({ ...node, op }, left, right, evaluation)
    : combineVectors(node, left, right, evaluation);
}

async function evaluateAggregate(
  node: AggregateNode,
  grid: Grid,
  evaluation: Evaluation,
): Promise<SteppedSeries[]> {
  const { op, parameter } = node;
  if (parameter?.kind === 'string') {
    return countValues(node, parameter.value, await evaluateVector(node.expr, grid, evaluation), evaluation);
  }
  const parameters = parameter ? await evaluateScalar(parameter, grid, evaluation) : new Float64Array(0);
  const vector = await evaluateVector(node.expr, grid, evaluation);
  if (op === 'topk' || op === 'bottomk') return rankSeries(node, vector, parameters, evaluation);
  if (op === 'quantile') warnOfQuantiles(parameters, parameter ?? node, evaluation);
  if (!Object.hasOwn(REDUCERS, op)) throw new QueryError('bad_data', `unknown aggregation ${op}`);
  return reduceGroups(node, REDUCERS[op as keyof typeof REDUCERS], vector, parameters, evaluation);
}

async function evaluateCall(node: CallNode, grid: Grid, evaluation: Evaluation): Promise<SteppedSeries[]> {
  const { name, args } = node;
  const ofRange = RANGE_FUNCTIONS.get(name);
  if (ofRange) return evaluateRangeCall(node, ofRange, grid, evaluation);
  const vector = (at: number) => evaluateVector(args[at]!, grid, evaluation);
  switch (name) {
    case 'vector':
      return vectorOf(await evaluateScalar(args[0]!, grid, evaluation));
    case 'absent':
      return absentSteps(await vector(0), absentLabels(args[0]!), grid.steps);
    case 'label_replace':
      return replaceLabel(await vector(0), args.slice(1) as StringNode[], evaluation);
    case 'label_join':
      return joinLabels(await vector(0), args.slice(1) as StringNode[]);
    case 'timestamp': {
      const [selector] = args;
      if (selector?.kind === 'selector')
        return timesOf(await selectVector(selector, grid, evaluation, 'times'));
      return timesOf(await vector(0), grid);
    }
    case 'sort':
    case 'sort_desc': {
      const unsorted = await vector(0);
      if (grid.steps === 1) return sortByValue(unsorted, name === 'sort' ? 'up' : 'down');
      evaluation.warn(
        'sort is ineffective for range queries since results are always ordered by labels',
        node,
      );
      return unsorted;
    }
  }
  const [values, ...numbers] = args;
  const operand = values
    ? await evaluateVector(values, grid, evaluation)
    : vectorOf(Float64Array.from({ length: grid.steps }, (_, i) => timeAt(grid, i) / 1000));
  const scalars: Float64Array[] = [];
  for (const one of numbers) scalars.push(await evaluateScalar(one, grid, evaluation));
  return mapValues(node, operand, scalars, evaluation);
}

async function evaluateRangeCall(
  node: CallNode,
  compute: RangeFunction,
  grid: Grid,
  evaluation: Evaluation,
): Promise<SteppedSeries[]> {
  const { name, args } = node;
  const rangeNode = args.find((arg) => typeOf(arg) === 'matrix')!;
  const scalarNode = args.find((arg) => arg !== rangeNode);
  const range = await evaluateRange(rangeNode, grid, evaluation);
  const parameters = scalarNode && (await evaluateScalar(scalarNode, grid, evaluation));
  const found = await applyToWindows(node, compute, range, grid, parameters, evaluation);
  if (name === 'absent_over_time') return absentSteps(found, absentLabels(rangeNode), grid.steps);
  if (name === 'quantile_over_time' && parameters && found.length > 0) {
    warnOfQuantiles(parameters, args[0] ?? node, evaluation);
  }
  return found;
}
