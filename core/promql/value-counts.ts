// `count_values`: how many series of a group have each value.

import type { Labels } from '../model/labels.ts';
import { groupLabels } from './aggregation.ts';
import type { AggregateNode } from './ast.ts';
import type { Evaluation } from './evaluation.ts';
import { emptySeries, type SteppedSeries } from './grid.ts';
import { keyOf, withLabel } from './label-sets.ts';
import { QueryError } from './source.ts';

export async function countValues(
  node: AggregateNode,
  label: string,
  vector: readonly SteppedSeries[],
  evaluation: Evaluation,
): Promise<SteppedSeries[]> {
  if (label === '') throw new QueryError('execution', 'count_values() needs the name of a label; "" is none');
  const { grouping } = node;
  const labelsOf =
    grouping?.mode === 'without'
      ? groupLabels(node)
      : groupLabels({ ...node, grouping: { mode: 'by', labels: [...(grouping?.labels ?? []), label] } });
  const results = new Map<string, SteppedSeries>();
  const resultOf = (labels: Labels, steps: number) => {
    const key = keyOf(labels);
    let result = results.get(key);
    if (!result) {
      evaluation.hold(steps);
      result = emptySeries(labels, steps);
      results.set(key, result);
    }
    return result;
  };
  for (const { labels, values, present } of vector) {
    const steps = values.length;
    const ofValue = new Map<string, SteppedSeries>();
    for (let step = 0; step < steps; step++) {
      if (!present[step]) continue;
      const text = formatDecimal(values[step]!);
      let result = ofValue.get(text);
      if (!result) {
        result = resultOf(labelsOf(withLabel(labels, label, text)), steps);
        ofValue.set(text, result);
      }
      result.values[step]!++;
      result.present[step] = 1;
    }
    if (evaluation.isPauseDue(10 * steps)) await evaluation.pause();
  }
  return [...results.values()];
}

/** The shortest decimal that reads back as the number, without an exponent. */
export function formatDecimal(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (Math.abs(value) === Infinity) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const [mantissa = '', exponent] = String(value).split('e');
  if (exponent === undefined) return mantissa;
  const sign = value < 0 ? '-' : '';
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, '0');
}
