// Functions over vectors that are more than a number for a number.

import type { Labels } from '../model/labels.ts';
import type { CallNode } from './ast.ts';
import type { Evaluation } from './evaluation.ts';
import { emptySeries, type Grid, type SteppedSeries, timeAt, withoutMetadata } from './grid.ts';
import { areEmptyBounds, NUMBER_FUNCTIONS } from './number-functions.ts';
import { QueryError } from './source.ts';

type NumberFunction = (value: number, first?: number, second?: number) => number;

export async function mapValues(
  { name }: CallNode,
  vector: readonly SteppedSeries[],
  [first, second]: readonly Float64Array[],
  evaluation: Evaluation,
): Promise<SteppedSeries[]> {
  if (!Object.hasOwn(NUMBER_FUNCTIONS, name)) throw new QueryError('bad_data', `unknown function ${name}()`);
  const compute = NUMBER_FUNCTIONS[name as keyof typeof NUMBER_FUNCTIONS] as NumberFunction;
  for (const { values, present } of vector) {
    for (let step = 0; step < values.length; step++) {
      if (!present[step]) continue;
      const a = first?.[step];
      const b = second?.[step];
      if (areEmptyBounds(name, a, b)) present[step] = 0;
      else values[step] = compute(values[step]!, a, b);
    }
    if (evaluation.isPauseDue(values.length)) await evaluation.pause();
  }
  return withoutMetadata(vector);
}

/** The values of `selectVector` as times, or the times of the steps. */
export function timesOf(vector: readonly SteppedSeries[], grid?: Grid): SteppedSeries[] {
  if (grid) {
    for (const { values } of vector) {
      for (let step = 0; step < values.length; step++) values[step] = timeAt(grid, step) / 1000;
    }
  }
  return withoutMetadata(vector);
}

/** The value of the only series; NaN where there are none or several. */
export function scalarOf(vector: readonly SteppedSeries[], steps: number): Float64Array {
  const found = new Float64Array(steps).fill(Number.NaN);
  const counts = new Uint32Array(steps);
  for (const { values, present } of vector) {
    for (let step = 0; step < steps; step++) {
      if (present[step]) found[step] = ++counts[step]! === 1 ? values[step]! : Number.NaN;
    }
  }
  return found;
}

/** 1 where no series has a value. */
export function absentSteps(
  vector: readonly SteppedSeries[],
  labels: Labels,
  steps: number,
): SteppedSeries[] {
  const absent = emptySeries(labels, steps);
  absent.present.fill(1);
  absent.values.fill(1);
  for (const { present } of vector) {
    for (let step = 0; step < steps; step++) if (present[step]) absent.present[step] = 0;
  }
  return absent.present.includes(1) ? [absent] : [];
}
