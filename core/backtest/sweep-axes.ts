// `above=80..95/5 for=5m..15m`: the values that a sweep tries, and the rules that they make.

import { formatDuration, parseDuration } from '../duration.ts';
import { ConfigError } from '../errors.ts';
import { conditionOf } from '../measure.ts';
import type { Rule } from '../model/rule.ts';
import { quoted } from '../text/suggestions.ts';

export const SWEPT = ['above', 'below', 'for', 'keepFiringFor', 'recoveryThreshold'] as const;

export type Swept = (typeof SWEPT)[number];

/** Thresholds, or durations in ms, ascending. */
export interface SweepAxis {
  field: Swept;
  values: readonly number[];
}

export interface Variant {
  /** The value of each axis, in their order. */
  values: readonly number[];
  rule: Rule;
}

const DURATIONS: readonly Swept[] = ['for', 'keepFiringFor'];
const MINUTE_MS = 60_000;
/** Where a range of thresholds has no step. */
const DEFAULT_STEPS = 15;
const MOST_VARIANTS = 1_000;
const HELP = 'write `above=80..95`, `above=80..95/5`, `above=80,90,95` or `for=5m..15m`';

/** @throws ConfigError that says how an axis is written */
export function parseAxis(text: string): SweepAxis {
  const [, field = '', values = ''] = /^([A-Za-z]+)=(.+)$/s.exec(text.trim()) ?? [];
  const known = SWEPT.find((name) => name === field);
  if (!known) throw new ConfigError(`${quoted(text)} cannot be swept: ${HELP}; fields: ${SWEPT.join(', ')}`);
  const read = (one: string) => readValue(known, one, text);
  const [, first, last, step] = /^(.+?)\.\.(.+?)(?:\/(.+))?$/s.exec(values) ?? [];
  const found =
    first === undefined || last === undefined
      ? values.split(',').map(read)
      : rangeOf(known, read(first), read(last), step === undefined ? undefined : read(step), text);
  return { field: known, values: [...new Set(found)].sort((a, b) => a - b) };
}

function readValue(field: Swept, text: string, whole: string): number {
  if (DURATIONS.includes(field)) return parseDuration(text.trim());
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value))
    throw new ConfigError(`${quoted(text)} in ${quoted(whole)} is no number: ${HELP}`);
  return value;
}

function rangeOf(
  field: Swept,
  first: number,
  last: number,
  step: number | undefined,
  text: string,
): number[] {
  if (first > last) throw new ConfigError(`${quoted(text)} ends before it begins`);
  const wide = last - first;
  const stepBy =
    step ??
    (DURATIONS.includes(field) ? MINUTE_MS : wide >= 2 ? Math.ceil(wide / DEFAULT_STEPS) : wide / 10 || 1);
  if (stepBy <= 0) throw new ConfigError(`the step of ${quoted(text)} must be more than 0`);
  const count = Math.floor(wide / stepBy + 1e-9) + 1;
  if (count > MOST_VARIANTS)
    throw new ConfigError(`${quoted(text)} has ${count} values, which is more than ${MOST_VARIANTS}`);
  // 0.1 + 0.2 is no value that anybody writes.
  return Array.from({ length: count }, (_, i) => Number((first + i * stepBy).toPrecision(12)));
}

/** Every combination of the values, the last axis fastest. @throws ConfigError where the rule cannot have such a value */
export function variantsOf(rule: Rule, axes: readonly SweepAxis[]): Variant[] {
  if (axes.length === 0 || axes.length > 2) throw new ConfigError(`a sweep has one or two axes: ${HELP}`);
  if (new Set(axes.map(({ field }) => field)).size < axes.length)
    throw new ConfigError(`a sweep has two different axes: ${HELP}`);
  const count = axes.reduce((product, { values }) => product * values.length, 1);
  if (count > MOST_VARIANTS)
    throw new ConfigError(
      `the sweep has ${count} variants, which is more than ${MOST_VARIANTS}: write larger steps, like \`above=80..95/5\``,
    );
  const [first, second] = axes as [SweepAxis, SweepAxis?];
  const recovery = axes.some(({ field }) => field === 'recoveryThreshold') ? 'swept' : 'follows';
  return first.values.flatMap((a) =>
    (second?.values ?? [undefined]).map((b): Variant => {
      const changed = changeRule(rule, first.field, a, recovery);
      const both = second && b !== undefined ? changeRule(changed, second.field, b, recovery) : changed;
      requireRecovery(both);
      return { values: b === undefined ? [a] : [a, b], rule: both };
    }),
  );
}

/** @param recovery whether `recoveryThreshold` follows the threshold at its distance, or is swept itself */
function changeRule(rule: Rule, field: Swept, value: number, recovery: 'swept' | 'follows'): Rule {
  switch (field) {
    case 'above':
    case 'below':
      if (rule.condition.kind !== field)
        throw new ConfigError(
          `rule ${quoted(rule.name)} has no \`${field}\`: its condition is ${conditionOf(rule)}`,
        );
      return {
        ...rule,
        condition: { kind: field, threshold: value },
        ...(recovery === 'follows' &&
          typeof rule.recoveryThreshold === 'number' && {
            recoveryThreshold: rule.recoveryThreshold + value - rule.condition.threshold,
          }),
      };
    case 'recoveryThreshold':
      if (rule.condition.kind === 'equals' || rule.condition.kind === 'outside')
        throw new ConfigError(
          `\`recoveryThreshold\` of rule ${quoted(rule.name)} cannot be swept, as its condition is ${conditionOf(rule)}`,
        );
      return { ...rule, recoveryThreshold: value };
    case 'for':
      return { ...rule, forMs: value };
    case 'keepFiringFor':
      return { ...rule, keepFiringForMs: value };
  }
}

/** An alert must not end by a value that makes it fire. */
function requireRecovery({ name, condition, recoveryThreshold }: Rule): void {
  if (typeof recoveryThreshold !== 'number') return;
  const { kind } = condition;
  if (kind !== 'above' && kind !== 'below') return;
  const isBeyond =
    kind === 'above' ? recoveryThreshold > condition.threshold : recoveryThreshold < condition.threshold;
  if (!isBeyond) return;
  throw new ConfigError(
    `with ${kind} ${condition.threshold} rule ${quoted(name)} would end at ${recoveryThreshold}, its \`recoveryThreshold\`, and fire there at the same time: choose other values`,
  );
}

export function valueText(field: Swept, value: number): string {
  return DURATIONS.includes(field) ? formatDuration(value) : String(value);
}
