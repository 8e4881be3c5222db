import type { Selection } from '../../../core/model/labels.ts';

/**
 * A selector of PromQL for a metric and globs. It may select more than the globs do (a regular expression matches a
 * label that is absent): the caller filters the answer. It never selects less: to PromQL an absent label is an
 * empty one, and globs that match nothing but text are all that may exclude.
 */
export function selectorOf(name: string, { where = {}, whereNot = {} }: Selection = {}): string {
  const wanted = Object.entries(where).map(([label, globs]) => matcher(label, '=~', globs));
  const excluded = Object.entries(whereNot)
    .map(([label, globs]) => [label, globs.filter((glob) => !/^\**$/.test(glob))] as const)
    .filter(([, globs]) => globs.length > 0)
    .map(([label, globs]) => matcher(label, '!~', globs));
  return `${name}{${[...wanted, ...excluded].join(',')}}`;
}

function matcher(label: string, op: '=~' | '!~', globs: readonly string[]): string {
  return `${label}${op}${JSON.stringify(globs.map(regexOf).join('|'))}`;
}

/** RE2; Prometheus anchors it. */
function regexOf(glob: string): string {
  const source = glob.replace(/[\\^$.|+()[\]{}]/g, '\\$&');
  return `(?s:${source.replace(/\*+/g, '.*').replace(/\?/g, '.')})`;
}
