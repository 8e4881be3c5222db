// Operators with a vector on at least one side.

import type { BinaryNode } from './ast.ts';
import type { Evaluation } from './evaluation.ts';
import { emptySeries, type SteppedSeries, withoutMetadata } from './grid.ts';
import { operationOf } from './operators.ts';

/** Between two scalars a comparison is 1 or 0. */
export function combineScalars(node: BinaryNode, left: Float64Array, right: Float64Array): Float64Array {
  const operation = operationOf(node.op);
  if (operation.kind === 'arithmetic')
    return left.map((value, step) => operation.compute(value, right[step]!));
  return left.map((value, step) => Number(operation.holds(value, right[step]!)));
}

/** A comparison without `bool` keeps the values of the vector that fulfil it, whichever side the vector is on. */
export async function combineWithScalar(
  node: BinaryNode,
  vector: readonly SteppedSeries[],
  scalar: Float64Array,
  scalarSide: 'left' | 'right',
  evaluation: Evaluation,
): Promise<SteppedSeries[]> {
  const operation = operationOf(node.op);
  const isLeft = scalarSide === 'left';
  for (const { values, present } of vector) {
    for (let step = 0; step < values.length; step++) {
      const value = values[step]!;
      const other = scalar[step]!;
      const [left, right] = isLeft ? [other, value] : [value, other];
      if (operation.kind === 'arithmetic') values[step] = operation.compute(left, right);
      else if (node.bool) values[step] = Number(operation.holds(left, right));
      else if (!operation.holds(left, right)) present[step] = 0;
    }
    if (evaluation.isPauseDue(values.length)) await evaluation.pause();
  }
  if (operation.kind === 'comparison' && !node.bool) return [...vector];
  return withoutMetadata(vector);
}

export async function negate(
  vector: readonly SteppedSeries[],
  evaluation: Evaluation,
): Promise<SteppedSeries[]> {
  for (const { values } of vector) {
    for (let step = 0; step < values.length; step++) values[step] = -values[step]!;
    if (evaluation.isPauseDue(values.length)) await evaluation.pause();
  }
  return withoutMetadata(vector);
}

/** A vector of one series without labels. */
export function vectorOf(values: Float64Array): SteppedSeries[] {
  const series = emptySeries({}, values.length);
  series.present.fill(1);
  return [{ ...series, values }];
}
