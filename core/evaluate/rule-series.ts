import type { PartialAggregate } from '../model/checkpoint.ts';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Series } from '../model/sample.ts';
import { leastOf } from '../numbers/extremes.ts';
import { metricsOf } from '../rule-query.ts';
import { mergedSeries, partialAggregate } from './aggregate.ts';
import { isWithoutCluster } from './alert-labels.ts';
import { isMember } from './blind-rounds.ts';
import { readPoints, reducedEveryMs } from './forecast-step.ts';
import type { EvaluateInput, ExpectedTarget } from './model.ts';
import { ratioSeries } from './ratio.ts';
import { reduceWindows } from './windows.ts';

type DeriveInput = Pick<EvaluateInput, 'rule' | 'series' | 'intervalMs' | 'intervalOf' | 'partials'> & {
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
  const { rule, intervalMs, intervalOf, targets } = input;
  if (!intervalOf) return partialAggregate(windowedSeries(input, fromMs), aggregate, targets, fromMs);
  const everyOf = (labels: Labels) => reducedEveryMs(rule, sampledEveryMs(rule, labels, intervalOf));
  const slowestFromMs = fromMs - reducedEveryMs(rule, intervalMs);
  return partialAggregate(windowedSeries(input, slowestFromMs), aggregate, targets, fromMs, everyOf);
}

function windowedSeries(input: DeriveInput, fromMs: number): readonly Series[] {
  const { rule, intervalMs, intervalOf = () => intervalMs } = input;
  const { window } = rule;
  const series =
    rule.over === undefined
      ? input.series
      : ratioSeries(rule, input.series, intervalOf, window ? -Infinity : fromMs);
  if (!window) return series;
  return series
    .map(({ metric, labels, points }) => {
      const ownMs = sampledEveryMs(rule, labels, intervalOf);
      const read = readPoints(rule, points, ownMs);
      return { metric, labels, points: reduceWindows(read, window, reducedEveryMs(rule, ownMs), fromMs) };
    })
    .filter(({ points }) => points.length > 0);
}

/** How far apart the samples of one series of the rule are; a ratio has one whenever either side has. */
function sampledEveryMs(
  rule: EvaluateInput['rule'],
  labels: Labels,
  intervalOf: NonNullable<EvaluateInput['intervalOf']>,
): number {
  return leastOf(metricsOf(rule).map((metric) => intervalOf(metric, labels)));
}

/** The interval of what the rule compares, by the labels of its alerts. A group has a value whenever any of its members has. */
export function comparedEveryMs(
  input: Pick<EvaluateInput, 'rule' | 'intervalMs' | 'intervalOf' | 'targets'>,
  labels: Labels,
): number {
  return reducedEveryMs(input.rule, measuredEveryMs(input, labels));
}

function measuredEveryMs(
  {
    rule,
    intervalMs,
    intervalOf,
    targets,
  }: Pick<EvaluateInput, 'rule' | 'intervalMs' | 'intervalOf' | 'targets'>,
  labels: Labels,
): number {
  if (!intervalOf) return intervalMs;
  if (!rule.aggregate) return sampledEveryMs(rule, labels, intervalOf);
  if (isWithoutCluster(rule))
    return labels.bastion === undefined ? intervalMs : intervalOf(rule.metric, labels);
  const members = targets.filter((target) => isMember(target, labels));
  const least = leastOf(members.map((target) => sampledEveryMs(rule, target.labels, intervalOf)));
  return Number.isFinite(least) ? least : intervalMs;
}
