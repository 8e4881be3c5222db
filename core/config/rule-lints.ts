// Rules that are valid, and hardly mean what they say.

import { findMetric, GROUP_LABELS } from '../catalogue.ts';
import { formatDuration } from '../duration.ts';
import { formatNumber } from '../format.ts';
import { measureOf } from '../measure.ts';
import type { Check } from '../model/check.ts';
import type { Rule } from '../model/rule.ts';
import { PLACEHOLDER, placeholderName, SUMMARY_FIELDS } from '../notify/summary.ts';
import { choose, quoted } from '../text/suggestions.ts';
import { type Finding, type Path, warningAt } from './problem.ts';
import type { RuleInForce } from './rule-set.ts';
import { thresholdLints } from './threshold-lints.ts';

/** Default rules have no path, and no lint. */
export function* ruleLints(rules: readonly RuleInForce[], checks: readonly Check[]): Generator<Finding> {
  const everyMs = Math.min(...checks.map((check) => check.everyMs));
  for (const { rule, path } of rules.filter((one) => one.path.length > 0)) {
    yield* placeholderLints(rule, path);
    yield* fractionLints(rule, path);
    yield* thresholdLints(rule, path);
    yield* windowLints(rule, path, everyMs);
    if (checks.length > 0 && rule.forMs > 0 && rule.forMs < everyMs) {
      yield warningAt(
        [...path, 'for'],
        `${formatDuration(rule.forMs)} is shorter than the interval of its check, ${formatDuration(everyMs)}`,
        'it fires a whole interval after the first breach; `0s` fires at once',
      );
    }
  }
}

/** Names in the text of a rule that its alerts do not have: the message would show `–` there. */
function* placeholderLints({ summary = '', metric, aggregate }: Rule, path: Path): Generator<Finding> {
  const group = findMetric(metric)?.group;
  if (group === undefined) return;
  const known = [...(aggregate?.by ?? GROUP_LABELS[group]), ...SUMMARY_FIELDS];
  const placeholders = new Map([...summary.matchAll(PLACEHOLDER)].map(([text, inner = '']) => [text, inner]));
  for (const [text, inner] of placeholders) {
    const name = placeholderName(inner);
    if (name !== undefined && known.includes(name)) continue;
    yield warningAt(
      [...path, 'summary'],
      `unknown placeholder ${quoted(text)}: the message would show ${name === undefined ? 'it as it is written' : '`–`'}`,
      choose(name ?? inner.replace(/[^\w-]+/g, ''), known, 'possible here'),
    );
  }
}

/** A bound of a ratio in percent such as 0.9 hardly means 0.9%; an error rate may well be 0.1%. */
function* fractionLints(rule: Rule, path: Path): Generator<Finding> {
  const { kind, ...bounds } = rule.condition;
  const fraction = Object.values(bounds).find((bound) => bound > 0.5 && bound < 1);
  if (rule.over === undefined || measureOf(rule).unit !== 'percent' || fraction === undefined) return;
  const percent = formatNumber(fraction * 100);
  yield warningAt(
    [...path, kind],
    `a ratio of two metrics with one unit is in percent: this is ${fraction}%`,
    `write ${percent} for ${percent}%`,
  );
}

/** What one sample comes to, where that is no value to compare. */
const OF_ONE: Readonly<Record<string, string>> = {
  rate: 'of one there is no rate',
  forecast: 'of one there is no forecast',
  delta: 'its delta is always 0',
};
/** A suggested window has a value also where a sample is lost. */
const SUGGESTED_SAMPLES = 3;

function* windowLints({ metric, over, window }: Rule, path: Path, everyMs: number): Generator<Finding> {
  if (!window) return;
  const outcome = OF_ONE[window.reduce];
  // A window is open at its left end: as long as the interval, it holds the newest sample alone.
  if (outcome && Number.isFinite(everyMs) && window.lastMs <= everyMs) {
    const [last, every] = [formatDuration(window.lastMs), formatDuration(everyMs)];
    yield warningAt(
      [...path, 'window', 'last'],
      `${last} holds one sample of a check that runs every ${every}: ${outcome}`,
      `write \`last: ${formatDuration(SUGGESTED_SAMPLES * everyMs)}\` or longer`,
    );
  }
  const { isCounter, unit } = findMetric(metric) ?? {};
  if (window.reduce !== 'rate' || unit === undefined || (isCounter && over === undefined)) return;
  // `rate` takes each fall for a counter that began anew, and counts it as growth.
  const isRate = over === undefined && unit === 'bytes_per_second';
  const what = over === undefined ? quoted(metric) : 'a ratio';
  yield warningAt(
    [...path, 'window', 'reduce'],
    isRate
      ? `${what} is a rate already`
      : `${what} is no counter: \`rate\` takes each fall of it for a new start from zero`,
    isRate ? 'write `avg` for its average' : 'write `delta` for how much it changed, or `avg`',
  );
}
