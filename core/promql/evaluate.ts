// Evaluates the tree of a query with the semantics of Prometheus 3.

import type { QueryNode } from './ast.ts';
import { createEvaluation, type EvaluateOptions, type Evaluation } from './evaluation.ts';
import { evaluateRange, evaluateScalar, evaluateVector } from './expression.ts';
import { type Grid, toColumns } from './grid.ts';
import { sortByLabels } from './label-sets.ts';
import type { QueryResult, QueryValue } from './result.ts';
import { type ColumnSeries, QueryError } from './source.ts';
import { typeOf } from './types.ts';

export type { EvaluateOptions } from './evaluation.ts';

/** As in Prometheus' API. */
const MAX_NOTES = 10;

/** @throws QueryError */
export async function evaluate(tree: QueryNode, options: EvaluateOptions): Promise<QueryResult> {
  const { startMs, endMs, stepMs } = options;
  const isInstant = startMs === endMs && stepMs === 0;
  if (!isInstant && !(stepMs > 0 && endMs >= startMs)) {
    throw new QueryError(
      'bad_data',
      'a range query needs a step above 0, and an end that is not before its start',
    );
  }
  const evaluation = createEvaluation(options);
  const steps = isInstant ? 1 : Math.floor((endMs - startMs) / stepMs) + 1;
  evaluation.hold(steps);
  const grid: Grid = { startMs, stepMs, steps };
  const value = isInstant
    ? await evaluateInstant(tree, grid, evaluation)
    : await evaluateSteps(tree, grid, evaluation);
  return { value, warnings: listNotes(evaluation.warnings), infos: listNotes(evaluation.infos) };
}

/** A query may make a name for each series, and thus a note. */
function listNotes(notes: ReadonlySet<string>): string[] {
  const list = [...notes];
  if (list.length <= MAX_NOTES) return list;
  return [...list.slice(0, MAX_NOTES), `${list.length - MAX_NOTES} more omitted`];
}

async function evaluateInstant(tree: QueryNode, grid: Grid, evaluation: Evaluation): Promise<QueryValue> {
  const timeMs = grid.startMs;
  const type = typeOf(tree);
  switch (type) {
    case 'string':
      return { type, timeMs, value: tree.kind === 'string' ? tree.value : '' };
    case 'scalar':
      return { type, timeMs, value: (await evaluateScalar(tree, grid, evaluation))[0]! };
    case 'vector': {
      const vector = (await evaluateVector(tree, grid, evaluation)).filter(({ present }) => present[0]);
      return { type, timeMs, samples: vector.map(({ labels, values }) => ({ labels, value: values[0]! })) };
    }
    case 'matrix': {
      const { series } = await evaluateRange(tree, grid, evaluation);
      return { type, series: sortByLabels(series) };
    }
  }
}

async function evaluateSteps(tree: QueryNode, grid: Grid, evaluation: Evaluation): Promise<QueryValue> {
  const type = typeOf(tree);
  if (type === 'scalar') {
    const values = await evaluateScalar(tree, grid, evaluation);
    return {
      type: 'matrix',
      series: [toColumns({ labels: {}, values, present: new Uint8Array(grid.steps).fill(1) }, grid)],
    };
  }
  if (type !== 'vector') {
    const found = type === 'matrix' ? 'range vector' : type;
    throw new QueryError(
      'bad_data',
      `invalid expression type "${found}" for range query, must be Scalar or instant Vector`,
    );
  }
  const vector = await evaluateVector(tree, grid, evaluation);
  const columns = vector.map((series) => toColumns(series, grid)).filter(({ times }) => times.length > 0);
  return { type: 'matrix', series: sortByLabels<ColumnSeries>(columns) };
}
