// What of a query's matchers a store can select by.

import type { LabelGlobs } from '../../core/model/labels.ts';
import type { Matcher } from '../../core/model/silence.ts';
import { METRIC_NAME } from '../../core/promql/label-sets.ts';
import { alternativesOf, compileMatcher } from '../../core/promql/matchers.ts';

/** Whether a series of that name can match. @throws QueryError */
export function nameTest(matchers: readonly Matcher[]): (name: string) => boolean {
  const tests = matchers.filter(({ name }) => name === METRIC_NAME).map(compileMatcher);
  return (name) => tests.every((matches) => matches(name));
}

/** Globs that all matching series match; others may match them, too. */
export function globsOf(matchers: readonly Matcher[]): LabelGlobs {
  const globs: Record<string, readonly string[]> = {};
  for (const { name, op, value } of matchers) {
    if (name === METRIC_NAME || Object.hasOwn(globs, name)) continue;
    const values = op === '=' ? [value] : op === '=~' ? alternativesOf(value) : undefined;
    // A label that is missing matches '', and no glob.
    if (values && !values.includes('')) globs[name] = values;
  }
  return globs;
}
