import type { PartialAggregate } from '../model/checkpoint.ts';
import type { Rule } from '../model/rule.ts';
import type { Series } from '../model/sample.ts';
import { mergedSeries, partialAggregate } from './aggregate.ts';
import type { EvaluateInput, ExpectedTarget } from './model.ts';
import { ratioSeries } from './ratio.ts';
import { reduceWindows } from './windows.ts';

type DeriveInput = Pick<EvaluateInput, 'rule' | 'series' | 'intervalMs' | 'partials'> & {
  targets?: readonly ExpectedTarget[];
};

/**
 * The series that the condition is compared with, newer than `fromMs`: ratios first, then windows, then aggregates. Each
 * step needs half of the samples or targets it expects, and gives no sample where it has less. Without `targets` it expects
 * none.
 */
export function deriveSeries(input: DeriveInput, fromMs: number): readonly Series[] {
  const { aggregate } = input.rule;
  if (!aggregate) return windowedSeries(input, fromMs);
  const partials = input.partials ?? [derivePartial(input, aggregate, fromMs)];
  return mergedSeries(input, aggregate, partials, fromMs);
}

/** The partial aggregate of some clusters; `series` and `targets` are theirs. */
export function derivePartial(
  input: DeriveInput,
  aggregate: NonNullable<Rule['aggregate']>,
  fromMs: number,
): PartialAggregate {
  return partialAggregate(windowedSeries(input, fromMs), aggregate, input.targets, fromMs);
}

function windowedSeries(input: DeriveInput, fromMs: number): readonly Series[] {
  const { rule, intervalMs } = input;
  const { window } = rule;
  const series =
    rule.over === undefined
      ? input.series
      : ratioSeries(rule, input.series, intervalMs, window ? -Infinity : fromMs);
  if (!window) return series;
  return series
    .map((one) => ({ ...one, points: reduceWindows(one.points, window, intervalMs, fromMs) }))
    .filter(({ points }) => points.length > 0);
}
