// Thresholds that no value of their metric can pass, or that every value does.

import { findMetric, type Metric } from '../catalogue.ts';
import type { Condition, Rule } from '../model/rule.ts';
import { type Finding, warningAt } from './problem.ts';
import type { RuleInForce } from './rule-set.ts';

/** Values that a rule compares: both bounds can be reached. `states`: nothing between them. */
interface Range {
  low: number;
  high: number;
  states?: true;
}

/** @param rules default ones have no path, and nothing is said of them */
export function thresholdLints(rules: readonly RuleInForce[]): Finding[] {
  return rules.flatMap(({ rule, path }) => {
    const metric = findMetric(rule.metric);
    // A ratio of two metrics has no bounds that are known.
    const range =
      path.length > 0 && metric && rule.over === undefined ? comparedRange(rule, metric) : undefined;
    if (!range || !metric) return [];
    const { kind } = rule.condition;
    const what = `${valuesText(rule)} is ${rangeText(range, metric)}`;
    const holds = howOften(rule.condition, range);
    if (holds === 'never') {
      return [warningAt([...path, kind], `this is never reached: ${what}`, 'the rule cannot fire as it is')];
    }
    if (holds === 'always') {
      return [warningAt([...path, kind], `every value is so: ${what}`, 'the rule fires whatever happens')];
    }
    if (!isRecoverable(rule, range)) {
      const message = `this is never recovered to: ${what}`;
      return [warningAt([...path, 'recoveryThreshold'], message, 'an alert of the rule would fire for ever')];
    }
    return [];
  });
}

function howOften(condition: Condition, { low, high, states }: Range): 'never' | 'always' | 'sometimes' {
  switch (condition.kind) {
    case 'above':
      if (condition.threshold >= high) return 'never';
      return condition.threshold < low ? 'always' : 'sometimes';
    case 'below':
      if (condition.threshold <= low) return 'never';
      return condition.threshold > high ? 'always' : 'sometimes';
    case 'outside':
      if (condition.low <= low && condition.high >= high) return 'never';
      return condition.low > high || condition.high < low ? 'always' : 'sometimes';
    case 'equals': {
      const { value } = condition;
      const possible = states ? value === low || value === high : value >= low && value <= high;
      return possible ? 'sometimes' : 'never';
    }
  }
}

/** Some value must be over it: while an alert fires, the recovery threshold decides. */
function isRecoverable({ condition, recoveryThreshold: recovery }: Rule, { low, high }: Range): boolean {
  if (recovery === undefined) return true;
  if (typeof recovery === 'object') return recovery[0] <= high && recovery[1] >= low;
  return condition.kind === 'above' ? recovery >= low : recovery <= high;
}

/** What a window and an aggregate make of a metric's values; undefined where nothing bounds them. */
function comparedRange({ window, aggregate }: Rule, metric: Metric): Range | undefined {
  let range: Range | undefined = metricRange(metric);
  switch (window?.reduce) {
    case 'rate':
      range = { low: 0, high: Infinity };
      break;
    case 'delta':
    case 'forecast':
      return undefined;
    case 'avg':
      range = between(range);
      break;
    default:
  }
  switch (aggregate?.op) {
    case 'count':
      return { low: 0, high: Infinity };
    case 'sum':
      return range && range.low >= 0 ? { low: range.low, high: Infinity } : undefined;
    case 'avg':
      return between(range);
    default:
      return range;
  }
}

function between(range: Range | undefined): Range | undefined {
  return range && { low: range.low, high: range.high };
}

function metricRange({ unit, isSigned }: Metric): Range | undefined {
  if (isSigned) return undefined;
  switch (unit) {
    case 'percent':
      return { low: 0, high: 100 };
    case 'bool':
      return { low: 0, high: 1, states: true };
    default:
      return { low: 0, high: Infinity };
  }
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
