import { findMetric, type Metric, type Unit } from './catalogue.ts';
import { formatDuration } from './duration.ts';
import { formatCondition } from './format.ts';
import type { Rule } from './model/rule.ts';
import { ratioUnit } from './ratio-unit.ts';

const HOUR_MS = 3_600_000;

type Measured = Pick<Rule, 'metric' | 'over' | 'window' | 'aggregate'>;

/** What a rule compares, as people read it. */
export interface Measure extends Pick<Metric, 'unit' | 'states'> {
  /** `mem_usage`; of a ratio `load1 / cores`. */
  name: string;
}

export function measureOf(rule: Measured): Measure {
  const { metric, over, window, aggregate } = rule;
  const name = over === undefined ? metric : `${metric} / ${over}`;
  if (aggregate?.op === 'count') return { name, unit: 'count' };
  const { unit, states } = findMetric(metric) ?? { unit: 'count' };
  // The difference of two states is none of them.
  if (aggregate?.op === 'spread' && unit === 'bool') return { name, unit: 'count' };
  if (over !== undefined) {
    const ratio = ratioUnit(unit, findMetric(over)?.unit ?? 'count');
    return { name, unit: reducedUnit(ratio.unit, window) };
  }
  return { name, unit: reducedUnit(unit, window), ...(states && { states }) };
}

/** Two rules with different keys compare values that have nothing to do with each other. */
export function measureKey(rule: Measured): string {
  const ahead = aheadOf(rule);
  return ahead === undefined ? measureOf(rule).name : `${measureOf(rule).name} in ${ahead}`;
}

function reducedUnit(unit: Unit, window: Rule['window']): Unit {
  return window?.reduce === 'rate' && unit === 'bytes' ? 'bytes_per_second' : unit;
}

/** What the rule asks, behind a value: `> 90%`; of a forecast `> 90% in 24h`. */
export function conditionOf(rule: Measured & Pick<Rule, 'condition'>): string {
  const condition = formatCondition(rule.condition, measureOf(rule).unit);
  const ahead = aheadOf(rule);
  return ahead === undefined ? condition : `${condition} in ${ahead}`;
}

/** How far ahead a rule looks, of two days in hours, as people say it: `24h`; undefined for one that does not. */
export function aheadOf({ window }: Pick<Rule, 'window'>): string | undefined {
  const aheadMs = window?.aheadMs;
  if (aheadMs === undefined) return undefined;
  const hours = aheadMs / HOUR_MS;
  return Number.isInteger(hours) && hours <= 48 ? `${hours}h` : formatDuration(aheadMs);
}
