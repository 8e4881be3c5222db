// Which samples a forecast reads. Sixty points give the same line as thousands, and each round reads all of them again.

import type { Rule } from '../model/rule.ts';
import type { Point } from '../model/sample.ts';
import type { SeriesQuery } from '../ports.ts';
import type { EvaluateInput } from './model.ts';

/** A forecast reads this many samples of its window, or more. */
const LEAST_SAMPLES = 60;
/** So far apart are the samples that a forecast reads at most, so that an alert is late by no more than that. */
const MOST_STEP_MS = 60_000;

/**
 * How far apart the values of a rule are whose series has a sample each `sampledMs`. Those of a forecast are so many rounds
 * apart that its window holds sixty of them, but a minute at most: its samples are those whose times are multiples of this.
 * The time alone decides, so every store gives the same samples, in whichever order they arrive.
 */
export function reducedEveryMs({ window }: Pick<Rule, 'window'>, sampledMs: number): number {
  if (window?.reduce !== 'forecast') return sampledMs;
  const stepMs = Math.min(MOST_STEP_MS, window.lastMs / LEAST_SAMPLES);
  return sampledMs * Math.max(1, Math.floor(stepMs / sampledMs));
}

/** The samples that the rule reads, of a series that has one each `sampledMs`. */
export function readPoints(
  rule: Pick<Rule, 'window'>,
  points: readonly Point[],
  sampledMs: number,
): readonly Point[] {
  const everyMs = reducedEveryMs(rule, sampledMs);
  return everyMs === sampledMs ? points : points.filter(({ timeMs }) => timeMs % everyMs === 0);
}

/**
 * What a store needs to know to leave out the samples that the rule does not read. Nothing where series differ, and nothing
 * for a ratio, whose sides may be samples of different times.
 */
export function readEvery(
  rule: Pick<Rule, 'window' | 'over'>,
  { intervalMs, intervalOf }: Pick<EvaluateInput, 'intervalMs' | 'intervalOf'>,
): Pick<SeriesQuery, 'everyMs'> {
  if (rule.over !== undefined || intervalOf) return {};
  const everyMs = reducedEveryMs(rule, intervalMs);
  return everyMs === intervalMs ? {} : { everyMs };
}
