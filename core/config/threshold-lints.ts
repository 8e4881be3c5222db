// Thresholds that no value of their metric passes, or that every value passes.

import { findMetric, type Metric } from '../catalogue.ts';
import type { Rule } from '../model/rule.ts';
import { type Finding, warningAt } from './problem.ts';

/** Possible values, bounds included. With `states` only the two bounds are possible. */
interface Range {
  low: number;
  high: number;
  states?: true;
}

const POSITIVE: Range = { low: 0, high: Infinity };

/** Paths are those within the rule. */
export function* thresholdLints(rule: Rule): Generator<Finding> {
  const { condition, recoveryThreshold } = rule;
  const metric = findMetric(rule.metric);
  // A ratio has no known bounds.
  const range = metric && rule.over === undefined ? comparedRange(rule, metric) : undefined;
  if (!range || !metric) return;
  const what = `${valuesText(rule)} is ${rangeText(range, metric)}`;
  const at = [condition.kind];
  const safe = safeRange(rule);
  if (condition.kind === 'equals' ? !holds(range, condition.value) : isWithin(range, safe)) {
    yield warningAt(at, `no value breaches: ${what}`, 'the rule cannot fire as it is');
  } else if (condition.kind !== 'equals' && !meet(range, safe)) {
    yield warningAt(at, `every value breaches: ${what}`, 'the rule fires whatever happens');
  } else if (recoveryThreshold !== undefined && !meet(range, safeRange(rule, recoveryThreshold))) {
    const message = `no value recovers: ${what}`;
    yield warningAt(['recoveryThreshold'], message, 'an alert of the rule would fire for ever');
  }
}

/** Values that do not breach; with a recovery threshold, those at which an alert resolves. */
function safeRange({ condition }: Rule, recovery?: Rule['recoveryThreshold']): Range {
  if (typeof recovery === 'object') return { low: recovery[0], high: recovery[1] };
  switch (condition.kind) {
    case 'above':
      return { low: -Infinity, high: recovery ?? condition.threshold };
    case 'below':
      return { low: recovery ?? condition.threshold, high: Infinity };
    case 'outside':
      return { low: condition.low, high: condition.high };
    case 'equals':
      return { low: -Infinity, high: Infinity };
  }
}

function isWithin({ low, high }: Range, outer: Range): boolean {
  return outer.low <= low && outer.high >= high;
}

function meet({ low, high }: Range, other: Range): boolean {
  return other.low <= high && other.high >= low;
}

function holds({ low, high, states }: Range, value: number): boolean {
  return states ? value === low || value === high : value >= low && value <= high;
}

/** The possible values after window and aggregate; undefined when they have no known bounds. */
function comparedRange({ window, aggregate }: Rule, { unit, isSigned }: Metric): Range | undefined {
  const reduce = window?.reduce;
  if (reduce === 'delta' || reduce === 'forecast') return undefined;
  const op = aggregate?.op;
  if (op === 'count' || (op === 'sum' && !isSigned) || (op === 'spread' && isSigned)) return POSITIVE;
  if (reduce === 'rate') return POSITIVE;
  if (isSigned) return undefined;
  if (unit === 'percent') return { low: 0, high: 100 };
  if (unit !== 'bool') return POSITIVE;
  const isAverage = reduce === 'avg' || op === 'avg';
  return { low: 0, high: 1, ...(!isAverage && { states: true }) };
}

function valuesText({ metric, window, aggregate }: Rule): string {
  const windowed = window ? `${window.reduce} of \`${metric}\`` : `\`${metric}\``;
  return aggregate ? `${aggregate.op} of ${windowed}` : windowed;
}

function rangeText({ low, high, states }: Range, { unit }: Metric): string {
  if (states) return `${low} or ${high}`;
  if (high === Infinity) return `${low} or more`;
  return `${low} to ${high}${unit === 'percent' ? ' percent' : ''}`;
}
