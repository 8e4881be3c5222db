// Paths into JSON as people write them: `status.replicas`, `items[0].count`, `["odd name"].x`, with or without `$.` before.

import { parseNumber } from './reading.ts';

export type JsonPath = readonly (string | number)[];

const MOST_STEPS = 32;
const STEP = /\.?([\p{L}\p{N}_-]+)|\[(\d{1,9})\]|\["([^"]*)"\]/uy;

/** Undefined: this is no path. */
export function parseJsonPath(text: string): JsonPath | undefined {
  const steps: (string | number)[] = [];
  STEP.lastIndex = /^\$(?=$|[.[])/.test(text) ? 1 : 0;
  while (STEP.lastIndex < text.length) {
    const [, name, index, quoted] = STEP.exec(text) ?? [];
    const step = index === undefined ? (name ?? quoted) : Number(index);
    if (step === undefined || steps.length === MOST_STEPS) return undefined;
    steps.push(step);
  }
  return steps;
}

/** What is at the path; undefined: nothing. */
export function valueAtPath(json: unknown, path: JsonPath): unknown {
  let value = json;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** A number, a text that is one, or 1 and 0 for true and false; undefined for anything else. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const number = parseNumber(value.replace(/^-/, ''));
  return number !== undefined && value.startsWith('-') ? -number : number;
}
