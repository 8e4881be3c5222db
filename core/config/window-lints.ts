// Windows whose samples come to no value, or to one that says nothing.

import { findMetric } from '../catalogue.ts';
import { formatDuration } from '../duration.ts';
import type { Check } from '../model/check.ts';
import type { Rule } from '../model/rule.ts';
import { quoted } from '../text/suggestions.ts';
import { type Finding, type Path, warningAt } from './problem.ts';
import type { RuleInForce } from './rule-set.ts';

/** What one sample comes to, where that is no value to compare. */
const OF_ONE: Readonly<Record<string, string>> = {
  rate: 'of one there is no rate',
  forecast: 'of one there is no forecast',
  delta: 'its delta is always 0',
};
/** A suggested window has a value also where a sample is lost. */
const SUGGESTED_SAMPLES = 3;

/** @param rules default ones have no path, and nothing is said of them */
export function windowLints(rules: readonly RuleInForce[], checks: readonly Check[]): Finding[] {
  const everyMs = Math.min(...checks.map((check) => check.everyMs));
  return rules.flatMap(({ rule, path }) => {
    if (path.length === 0) return [];
    return [...loneSample(rule, path, everyMs), ...rateOfNoCounter(rule, path)];
  });
}

/** A window is open at its left end: as long as the interval, it holds the newest sample alone. */
function loneSample({ window }: Rule, path: Path, everyMs: number): Finding[] {
  const outcome = window && OF_ONE[window.reduce];
  if (!outcome || !Number.isFinite(everyMs) || window.lastMs > everyMs) return [];
  const [last, every] = [formatDuration(window.lastMs), formatDuration(everyMs)];
  return [
    warningAt(
      [...path, 'window', 'last'],
      `${last} holds one sample of a check that runs every ${every}: ${outcome}`,
      `write \`last: ${formatDuration(SUGGESTED_SAMPLES * everyMs)}\` or longer`,
    ),
  ];
}

/** `rate` takes each fall for a counter that began anew, and counts it as growth. */
function rateOfNoCounter({ metric, over, window }: Rule, path: Path): Finding[] {
  const known = findMetric(metric);
  if (window?.reduce !== 'rate' || !known || (known.isCounter && over === undefined)) return [];
  const isRate = over === undefined && known.unit === 'bytes_per_second';
  const what = over === undefined ? quoted(metric) : 'a ratio';
  return [
    warningAt(
      [...path, 'window', 'reduce'],
      isRate
        ? `${what} is a rate already`
        : `${what} is no counter: \`rate\` takes each fall of it for a new start from zero`,
      isRate ? 'write `avg` for its average' : 'write `delta` for how much it changed, or `avg`',
    ),
  ];
}
