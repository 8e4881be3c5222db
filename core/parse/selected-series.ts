import { labelsMatch } from '../labels.ts';
import type { LabelGlobs, Labels } from '../model/labels.ts';
import type { ExposedSample } from './exposition.ts';
import type { Reading } from './reading.ts';

export const REDUCERS = ['sum', 'min', 'max', 'avg', 'count'] as const;

/** A number that a check takes from the series of a service. */
export interface SelectedSeries {
  /** What the check calls it. */
  name: string;
  metric: string;
  labels: LabelGlobs;
  /** Makes one number of several series. Absent: one series must match. */
  reduce?: (typeof REDUCERS)[number] | undefined;
}

export interface SelectedValues {
  readings: Reading[];
  notes: string[];
}

/** Some milliseconds of work; where values are as long as they may be, 50 ms for a glob with `?`. */
const PART_SAMPLES = 1_000;

/**
 * The number of each selection, and why one has none. Counters stay as they are: a rule makes rates of them. A service decides
 * how many series are compared, so this returns control between selections, for others to have a turn.
 */
export function* readSelected(
  selections: readonly SelectedSeries[],
  samples: readonly ExposedSample[],
): Generator<void, SelectedValues, void> {
  const byName = Map.groupBy(samples, ({ name }) => name);
  const readings: Reading[] = [];
  const notes: string[] = [];
  let compared = 0;
  for (const { name, metric, labels, reduce } of selections) {
    if (compared >= PART_SAMPLES) {
      yield;
      compared = 0;
    }
    const candidates = byName.get(metric) ?? [];
    compared += candidates.length;
    const values = candidates
      .filter((sample) => labelsMatch(labels, sample.labels satisfies Labels))
      .map(({ value }) => value);
    const value = reduced(values, reduce);
    if (typeof value === 'string') notes.push(`no value for ${name}: ${value}`);
    else readings.push({ metric: 'check_value', labels: { name }, value });
  }
  return { readings, notes };
}

function reduced(values: readonly number[], reduce: SelectedSeries['reduce']): number | string {
  const [first] = values;
  if (reduce === 'count') return values.length;
  if (first === undefined) return 'no series matches';
  if (reduce === undefined && values.length > 1)
    return `${values.length} series match; write \`reduce\`, or more \`labels\``;
  const value = combine(values, reduce ?? 'max');
  return Number.isFinite(value) ? value : `it is ${value}`;
}

/** NaN where one value is that, as Prometheus' `sum` and `avg` have it. */
function combine(
  values: readonly number[],
  reduce: Exclude<SelectedSeries['reduce'], 'count' | undefined>,
): number {
  switch (reduce) {
    case 'sum':
      return values.reduce((sum, value) => sum + value, 0);
    case 'avg':
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    case 'min':
      return values.reduce((least, value) => Math.min(least, value));
    case 'max':
      return values.reduce((most, value) => Math.max(most, value));
  }
}
