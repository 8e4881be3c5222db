import { globMatches, labelsMatch } from './labels.ts';
import type { LabelGlobs, Labels, Selection } from './model/labels.ts';

/**
 * Whether any label matches one of the globs that `whereNot` has for it, as negative matchers of Prometheus exclude each
 * by itself. A label that is missing matches none.
 */
export function isExcluded(whereNot: LabelGlobs | undefined, labels: Labels): boolean {
  if (whereNot === undefined) return false;
  return Object.entries(whereNot).some(([name, globs]) => {
    const value = labels[name];
    return value !== undefined && globs.some((glob) => globMatches(glob, value));
  });
}

/** Whether the labels match all of `where` and nothing of `whereNot`. */
export function isSelected({ where, whereNot }: Selection, labels: Labels): boolean {
  return (where === undefined || labelsMatch(where, labels)) && !isExcluded(whereNot, labels);
}
