import type { LabelGlobs, Labels } from './model.ts';

/** Canonical text of a label set: names sorted, JSON. Two sets are the same series iff their keys are equal. */
export function labelKey(labels: Labels): string {
  const names = Object.keys(labels).sort();
  return JSON.stringify(names.map((name) => [name, labels[name]]));
}

/** Sorts names as people do: `node-2` before `node-10`. */
export const naturalOrder = new Intl.Collator('en', { numeric: true });

const compiled = new Map<string, RegExp>();

/** Whether `value` matches `glob` whole: `*` any run of characters, `?` one; all else literal. */
export function globMatches(glob: string, value: string): boolean {
  let regex = compiled.get(glob);
  if (!regex) {
    const source = glob
      .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
      .replace(/\*+/g, '.*')
      .replace(/\?/g, '.');
    regex = new RegExp(`^${source}$`, 'su');
    if (compiled.size > 10_000) compiled.clear();
    compiled.set(glob, regex);
  }
  return regex.test(value);
}

/** Whether every label of `where` is present and matches one of its globs. */
export function labelsMatch(where: LabelGlobs, labels: Labels): boolean {
  for (const [name, globs] of Object.entries(where)) {
    const value = labels[name];
    if (value === undefined || !globs.some((glob) => globMatches(glob, value))) return false;
  }
  return true;
}
