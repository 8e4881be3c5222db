import type { Unit } from '../catalogue.ts';
import { formatValue } from '../format.ts';
import type { Condition, Rule } from '../model/rule.ts';
import type { Axis } from './axes.ts';

/** A line across the chart. */
export interface ThresholdLine {
  value: number;
  label: string;
  kind: 'threshold' | 'recovery';
  /** On which side of its line the label has room, away from the values that breach. */
  labelSide: 'over' | 'under';
}

/** Values that breach, shaded. */
export interface Band {
  from: number;
  to: number;
}

export function thresholdLines(rule: Rule, unit: Unit): ThresholdLine[] {
  const lineAt = (
    value: number,
    kind: ThresholdLine['kind'],
    labelSide: ThresholdLine['labelSide'],
  ): ThresholdLine => {
    const prefix = kind === 'recovery' ? 'recovery' : rule.severity;
    const shown = unit === 'bool' ? '' : ` ${formatValue(value, unit)}`;
    return { value, label: `${prefix}${shown}`, kind, labelSide };
  };
  const recovery = rule.recoveryThreshold === undefined ? [] : [rule.recoveryThreshold].flat();
  const { condition } = rule;
  switch (condition.kind) {
    case 'above':
      return [
        lineAt(condition.threshold, 'threshold', 'over'),
        ...recovery.map((v) => lineAt(v, 'recovery', 'under')),
      ];
    case 'below':
      // A state that must not be "no" needs no line between no and yes.
      if (unit === 'bool') return [];
      return [
        lineAt(condition.threshold, 'threshold', 'under'),
        ...recovery.map((v) => lineAt(v, 'recovery', 'over')),
      ];
    case 'outside':
      return [
        lineAt(condition.high, 'threshold', 'over'),
        lineAt(condition.low, 'threshold', 'under'),
        ...recovery.map((value, i) => lineAt(value, 'recovery', i === 0 ? 'over' : 'under')),
      ];
    case 'equals':
      return unit === 'bool' ? [] : [lineAt(condition.value, 'threshold', 'over')];
  }
}

export function breachBands(condition: Condition, y: Axis): Band[] {
  switch (condition.kind) {
    case 'above':
      return condition.threshold < y.max ? [{ from: Math.max(y.min, condition.threshold), to: y.max }] : [];
    case 'below':
      return condition.threshold > y.min ? [{ from: y.min, to: Math.min(y.max, condition.threshold) }] : [];
    case 'outside':
      return [
        ...breachBands({ kind: 'above', threshold: condition.high }, y),
        ...breachBands({ kind: 'below', threshold: condition.low }, y),
      ];
    case 'equals':
      return [];
  }
}
