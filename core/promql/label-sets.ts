// Label sets as the query language sees them: a label with an empty value is a label that is missing. Queries and samples choose
// the names, so `constructor` and `__proto__` are labels like others.

import { labelKey } from '../labels.ts';
import type { Labels } from '../model/labels.ts';
import { QueryError } from './source.ts';

export const METRIC_NAME = '__name__';
/** What a value no longer has once an operator or a function has changed what it means. */
const METADATA: ReadonlySet<string> = new Set([METRIC_NAME, '__type__', '__unit__']);
/** `label_join` of its own results would double a value with each level. */
const VALUE_CHARACTERS = 4096;

export function labelValue(labels: Labels, name: string): string {
  return Object.hasOwn(labels, name) ? labels[name]! : '';
}

export const keyOf = labelKey;

export function keep(labels: Labels, names: ReadonlySet<string>): Labels {
  return filter(labels, (name) => names.has(name));
}

export function drop(labels: Labels, names: ReadonlySet<string>): Labels {
  return filter(labels, (name) => !names.has(name));
}

export function dropMetadata(labels: Labels): Labels {
  return drop(labels, METADATA);
}

/** An empty value removes the label. @throws QueryError when the value is too long */
export function withLabel(labels: Labels, name: string, value: string): Labels {
  if (value.length > VALUE_CHARACTERS) {
    throw new QueryError(
      'limit',
      `the query makes a value of the label ${JSON.stringify(name.slice(0, 100))} with ${value.length} characters; at most ${VALUE_CHARACTERS} are allowed`,
    );
  }
  const rest = Object.entries(labels).filter(([other]) => other !== name);
  return Object.fromEntries(value === '' ? rest : [...rest, [name, value]]);
}

function filter(labels: Labels, isKept: (name: string) => boolean): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => isKept(name)));
}

/** By name and value of each label in turn; of two sets where one begins the other, the shorter comes first. */
export function sortByLabels<T extends { labels: Labels }>(list: readonly T[]): T[] {
  return list
    .map((one) => ({
      one,
      entries: Object.entries(one.labels)
        .sort(([a], [b]) => compare(a, b))
        .flat(),
    }))
    .sort((a, b) => compareLists(a.entries, b.entries))
    .map(({ one }) => one);
}

function compareLists(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = compare(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** As the asker would write it, for messages. */
export function formatLabels(labels: Labels): string {
  const entries = Object.entries(labels).sort(([a], [b]) => compare(a, b));
  const name = labelValue(labels, METRIC_NAME);
  const rest = entries.filter(([label]) => label !== METRIC_NAME);
  return `${name}{${rest.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(', ')}}`;
}
