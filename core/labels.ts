import type { LabelGlobs, Labels } from './model/labels.ts';

/** Canonical text of a label set: names sorted, JSON. Two sets are the same series iff their keys are equal. */
export function labelKey(labels: Labels): string {
  const names = Object.keys(labels).sort();
  return JSON.stringify(names.map((name) => [name, labels[name]]));
}

/** Sorts names as people do: `node-2` before `node-10`. */
export const naturalOrder = new Intl.Collator('en', { numeric: true });

/** All labels of an alert: those of its series, which count, and what the inventory said when it fired. */
export function allLabels({
  labels,
  inventoryLabels,
}: {
  labels: Labels;
  inventoryLabels?: Labels | undefined;
}): Labels {
  return inventoryLabels ? { ...inventoryLabels, ...labels } : labels;
}

const STAR = '*';
const ONE = '?';

/** What stands between the stars of a glob. Bounded, because silences and commands bring globs too. */
const splitGlobs = new Map<string, readonly string[]>();
const SPLIT_AT_MOST = 10_000;

/**
 * Whether `value` matches `glob` whole: `*` any run of characters, `?` one; all else literal. Nodes choose values, so
 * nothing is tried twice but the part behind the last `*`: a regular expression tries each star wherever it can be.
 */
export function globMatches(glob: string, value: string): boolean {
  if (glob.includes(ONE)) return matchesByCharacter(glob, value);
  let parts = splitGlobs.get(glob);
  if (!parts) {
    parts = glob.split(STAR);
    if (splitGlobs.size >= SPLIT_AT_MOST) splitGlobs.clear();
    splitGlobs.set(glob, parts);
  }
  const [first = ''] = parts;
  const last = parts[parts.length - 1] ?? '';
  if (parts.length === 1) return value === first;
  const endAt = value.length - last.length;
  if (!value.startsWith(first) || !value.endsWith(last)) return false;
  let at = first.length;
  for (let i = 1; i < parts.length - 1; i++) {
    const part = parts[i] ?? '';
    const foundAt = value.indexOf(part, at);
    if (foundAt < 0) return false;
    at = foundAt + part.length;
  }
  return at <= endAt;
}

/** Whether `outer` matches all that `inner` does, as far as their texts show: a `?` of one never covers a `*` of the other. */
export function globCovers(outer: string, inner: string): boolean {
  return inner === outer || (globMatches(outer, inner) && !(outer.includes(ONE) && inner.includes(STAR)));
}

/** `?` is one character as people count, which may be two units of UTF-16. */
function matchesByCharacter(glob: string, value: string): boolean {
  const wanted = [...glob];
  const found = [...value];
  let w = 0;
  let f = 0;
  /** Behind the last star, and where what stands there was tried last. */
  let starredW = -1;
  let starredF = 0;
  while (f < found.length) {
    if (wanted[w] === STAR) {
      starredW = ++w;
      starredF = f;
    } else if (wanted[w] === ONE || wanted[w] === found[f]) {
      w++;
      f++;
    } else if (starredW >= 0) {
      w = starredW;
      f = ++starredF;
    } else return false;
  }
  while (wanted[w] === STAR) w++;
  return w === wanted.length;
}

/** Whether every label of `where` is present and matches one of its globs. */
export function labelsMatch(where: LabelGlobs, labels: Labels): boolean {
  for (const [name, globs] of Object.entries(where)) {
    const value = labels[name];
    if (value === undefined || !globs.some((glob) => globMatches(glob, value))) return false;
  }
  return true;
}
