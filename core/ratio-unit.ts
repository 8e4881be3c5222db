import type { Unit } from './catalogue.ts';

/** What a value of one metric over another is, and what the quotient is multiplied by. */
export interface RatioUnit {
  unit: Unit;
  factor: 1 | 100;
}

/**
 * Two metrics with the same unit give percent, like all shares of the catalogue: `above: 95` is 95%. What is divided by a
 * number keeps its unit (bytes per core). All else is a plain number.
 */
export function ratioUnit(of: Unit, over: Unit): RatioUnit {
  if (of === over) return { unit: 'percent', factor: 100 };
  if (over === 'count' || over === 'ratio') return { unit: of, factor: 1 };
  if (of === 'bytes' && over === 'seconds') return { unit: 'bytes_per_second', factor: 1 };
  if (of === 'bytes' && over === 'bytes_per_second') return { unit: 'seconds', factor: 1 };
  return { unit: 'ratio', factor: 1 };
}
