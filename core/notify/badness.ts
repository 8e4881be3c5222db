import type { Condition } from '../model/rule.ts';

/** How far a value is beyond what the condition allows: the greater, the worse. Without a value, the least. */
export function badness(condition: Condition, value: number | undefined): number {
  if (value === undefined || !Number.isFinite(value)) return -Infinity;
  switch (condition.kind) {
    case 'above':
      return value - condition.threshold;
    case 'below':
      return condition.threshold - value;
    case 'outside':
      return Math.max(condition.low - value, value - condition.high);
    case 'equals':
      return value === condition.value ? 0 : -1;
  }
}

/** The worse first; two without a value are alike. */
export function compareBadness(a: number, b: number): number {
  return a === b ? 0 : b - a;
}
