// What a token or a login may see is said by matchers, which hold for everything that the history service answers.

import type { Labels } from '../../core/model/labels.ts';
import type { Matcher } from '../../core/model/silence.ts';
import { compileMatcher } from '../../core/notify/silences.ts';

/**
 * Whether labels match all matchers. Other than in a silence, a label that is missing matches nothing, also of `!=`: an
 * alert across clusters is of clusters that the asker may not see.
 */
export function compileSelector(selector: readonly Matcher[]): (labels: Labels) => boolean {
  const tests = selector.map((matcher) => ({ name: matcher.name, test: compileMatcher(matcher) }));
  return (labels) =>
    tests.every(({ name, test }) => Object.hasOwn(labels, name) && labels[name] !== '' && test(labels));
}

/**
 * Whether everything that `matchers` match is inside the selector, as far as their texts show: each matcher of the selector
 * stands among them, or they ask for a value that it matches.
 */
export function isWithinSelector(matchers: readonly Matcher[], selector: readonly Matcher[]): boolean {
  return selector.every((wanted) => {
    const sees = compileSelector([wanted]);
    return matchers.some((matcher) => {
      const { name, op, value } = matcher;
      if (name !== wanted.name) return false;
      if (op === '=') return sees({ [name]: value });
      // A silence also matches what lacks the label where its expression matches '', as `!=` always does.
      return op === '=~' && wanted.op === '=~' && value === wanted.value && !compileMatcher(matcher)({});
    });
  });
}
