import { GROUP_LABELS } from '../catalogue.ts';
import { SEVERITIES } from '../model/rule.ts';
import { choose, quoted } from '../text/suggestions.ts';
import { textsOf } from './draft.ts';
import { isData, valueAt } from './fields.ts';
import { errorAt, type Finding, type Path, warningAt } from './problem.ts';

/** What routes, groups and silences see of an alert. */
export const ROUTED_LABELS: readonly string[] = [
  ...new Set(['rule', 'severity', ...Object.values(GROUP_LABELS).flat()]),
];

/** What a check can leave out: nodes, and samples of them. */
export const CHECKED_LABELS: readonly string[] = [
  ...new Set((['node', 'mount', 'interface', 'disk'] as const).flatMap((group) => GROUP_LABELS[group])),
];

/** Labels and values of a `match`. Globs with wildcards are not checked, nor names where the list of names is not known. */
export function unknownMatchers(
  match: unknown,
  path: Path,
  known: { rules: readonly string[] | undefined; clusters: readonly string[] | undefined },
): Finding[] {
  return labelsOf(match).flatMap((label): Finding[] => {
    const missing = (names: readonly string[] | undefined, report: typeof errorAt) =>
      names
        ? literals(match, label)
            .filter(({ text }) => !names.includes(text))
            .map(({ at, text }) =>
              report(
                [...path, ...at],
                `there is no ${label} ${quoted(text)}`,
                choose(text, names, 'there are'),
              ),
            )
        : [];
    if (label === 'severity') return missing(SEVERITIES, errorAt);
    if (label === 'rule') return missing(known.rules, errorAt);
    // A cluster may be added tomorrow; a rule is in this file or nowhere.
    if (label === 'cluster') return missing(known.clusters, warningAt);
    return unknownLabel([...path, label], label, ROUTED_LABELS);
  });
}

function literals(match: unknown, label: string): { at: Path; text: string }[] {
  const value = valueAt(match, label);
  const single = typeof value === 'string' ? [{ at: [label], text: value }] : [];
  const listed = textsOf(match, label).map(({ index, text }) => ({ at: [label, index], text }));
  return [...single, ...listed].filter(({ text }) => !/[*?]/.test(text));
}

export function labelsOf(globs: unknown): string[] {
  return isData(globs) ? Object.keys(globs) : [];
}

export function unknownLabel(path: Path, label: string, known: readonly string[]): Finding[] {
  if (known.includes(label)) return [];
  const suggestion = choose(label, known, 'possible here');
  return [{ ...errorAt(path, `there is no label ${quoted(label)}`, suggestion), at: 'key' }];
}
