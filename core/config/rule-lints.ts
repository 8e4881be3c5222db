// Rules that are valid, and probably have a mistake.

import { findMetric, GROUP_LABELS } from '../catalogue.ts';
import { formatDuration } from '../duration.ts';
import { namesCluster } from '../evaluate/alert-labels.ts';
import { expectedTargets, type TargetLabels } from '../evaluate/range.ts';
import { formatNumber } from '../format.ts';
import { createIntervals, ruleIntervals } from '../intervals.ts';
import { measureOf } from '../measure.ts';
import type { Check } from '../model/check.ts';
import type { Rule } from '../model/rule.ts';
import { PLACEHOLDER, placeholderName, SUMMARY_FIELDS } from '../notify/summary.ts';
import { choose, quoted } from '../text/suggestions.ts';
import type { InventoryNames } from './matchers.ts';
import { type Finding, warningAt } from './problem.ts';
import { type RuleInForce, writtenPath } from './rule-set.ts';
import { thresholdLints } from './threshold-lints.ts';

/** Skips default rules and the fields of them that `change` leaves. What tiers share is reported once. */
export function* ruleLints(
  rules: readonly RuleInForce[],
  checks: readonly Check[],
  nodes: readonly TargetLabels[],
  ofInventory: InventoryNames,
): Generator<Finding> {
  const intervals = createIntervals(checks);
  const reported = new Set<string>();
  for (const entry of rules.filter((one) => one.path.length > 0)) {
    for (const finding of lintsOf(entry.rule)) {
      const path = writtenPath(entry, finding.path);
      const key = JSON.stringify([path, finding.message]);
      if (path && !reported.has(key)) yield { ...finding, path };
      reported.add(key);
    }
  }

  /** With paths within the rule. */
  function* lintsOf(rule: Rule): Generator<Finding> {
    yield* placeholderLints(rule, ofInventory);
    yield* fractionLints(rule);
    yield* thresholdLints(rule);
    const { intervalMs } = ruleIntervals(intervals, rule, expectedTargets(rule, nodes));
    const everyMs = checks.length > 0 ? intervalMs : 0;
    yield* windowLints(rule, everyMs);
    yield* holdLints(rule, everyMs);
  }
}

/** What becomes of a hold that is over before its next sample. */
const SHORT_HOLDS = [
  ['for', 'forMs', 'it fires at the next sample, $ after the first breach; `0s` fires at once'],
  [
    'keepFiringFor',
    'keepFiringForMs',
    'it ends at the next sample, $ after the first that is fine; `0s` ends at once',
  ],
] as const;

function* holdLints(rule: Rule, everyMs: number): Generator<Finding> {
  const every = formatDuration(everyMs);
  for (const [field, key, outcome] of SHORT_HOLDS) {
    if (rule[key] === 0 || rule[key] >= everyMs) continue;
    const message = `${formatDuration(rule[key])} is shorter than the interval of its check, ${every}`;
    yield warningAt([field], message, outcome.replace('$', every));
  }
}

/** Placeholders in the summary of a rule that its alerts have no value for: the message would show `–` there. */
function* placeholderLints(rule: Rule, ofInventory: InventoryNames): Generator<Finding> {
  const { summary = '', metric, aggregate, window } = rule;
  const isOfClusters = namesCluster(rule);
  const group = findMetric(metric)?.group;
  if (group === undefined) return;
  const absent = [...(window ? [] : ['window']), ...(window?.aheadMs === undefined ? ['ahead'] : [])];
  const fields = SUMMARY_FIELDS.filter((name) => !absent.includes(name));
  const known = [...(aggregate?.by ?? GROUP_LABELS[group]), ...fields];
  const placeholders = new Map([...summary.matchAll(PLACEHOLDER)].map(([text, inner = '']) => [text, inner]));
  for (const [text, inner] of placeholders) {
    const name = placeholderName(inner);
    if (name !== undefined && (known.includes(name) || (isOfClusters && ofInventory.has(name)))) continue;
    yield warningAt(
      ['summary'],
      `unknown placeholder ${quoted(text)}: the message would show ${name === undefined ? 'it as it is written' : '`–`'}`,
      choose(name ?? inner.replace(/[^\w-]+/g, ''), known, 'possible here'),
    );
  }
}

/** A bound such as 0.9 of a ratio in percent hardly means 0.9%. Bounds up to 0.5 may be an error rate. */
function* fractionLints(rule: Rule): Generator<Finding> {
  const { kind, ...bounds } = rule.condition;
  const fraction = Object.values(bounds).find((bound) => bound > 0.5 && bound < 1);
  if (rule.over === undefined || measureOf(rule).unit !== 'percent' || fraction === undefined) return;
  const percent = formatNumber(fraction * 100);
  yield warningAt(
    [kind],
    `a ratio of two metrics with one unit is in percent: this is ${fraction}%`,
    `write ${percent} for ${percent}%`,
  );
}

/** Why one sample is not enough for these. */
const OF_ONE: Readonly<Record<string, string>> = {
  rate: 'one sample has no rate',
  forecast: 'one sample has no forecast',
  delta: 'its delta is always 0',
};
/** A suggested window still has a value when one sample is lost. */
const SUGGESTED_SAMPLES = 3;

function* windowLints({ metric, over, window }: Rule, everyMs: number): Generator<Finding> {
  if (!window) return;
  const outcome = OF_ONE[window.reduce];
  // A window excludes its left end: one as long as the interval holds only the newest sample.
  if (outcome && window.lastMs <= everyMs) {
    const [last, every] = [formatDuration(window.lastMs), formatDuration(everyMs)];
    yield warningAt(
      ['window', 'last'],
      `${last} holds one sample of a check that runs every ${every}: ${outcome}`,
      `write \`last: ${formatDuration(SUGGESTED_SAMPLES * everyMs)}\` or longer`,
    );
  }
  const { isCounter, unit } = findMetric(metric) ?? {};
  if (window.reduce !== 'rate' || unit === undefined || (isCounter && over === undefined)) return;
  // `rate` takes each fall for the restart of a counter, and counts it as growth.
  const isRate = over === undefined && unit === 'bytes_per_second';
  const what = over === undefined ? quoted(metric) : 'a ratio';
  yield warningAt(
    ['window', 'reduce'],
    isRate
      ? `${what} is a rate already`
      : `${what} is no counter: \`rate\` takes each fall of it for a new start from zero`,
    isRate ? 'write `avg` for its average' : 'write `delta` for how much it changed, or `avg`',
  );
}
