import { GROUP_LABELS } from '../catalogue.ts';
import { SEVERITIES } from '../model/rule.ts';
import { choose, quoted } from '../text/suggestions.ts';
import { textOrTextsOf } from './draft.ts';
import { isData } from './fields.ts';
import { errorAt, type Finding, type Path, warningAt } from './problem.ts';

/** Labels of alerts that routes, groups and silences can match. */
export const ROUTED_LABELS: readonly string[] = [
  ...new Set(['rule', 'severity', ...Object.values(GROUP_LABELS).flat()]),
];

/** Labels by which a check can leave out nodes, and samples of them. */
export const CHECKED_LABELS: readonly string[] = [
  ...new Set(
    (['node', 'mount', 'interface', 'disk', 'file'] as const).flatMap((group) => GROUP_LABELS[group]),
  ),
];

export interface InventoryNames {
  /** Labels that the file gives clusters and nodes. */
  names: readonly string[];
  /** Whether a cluster or node may have a label of that name. */
  has(name: string): boolean;
}

/** Checks labels and values of a `match`. It skips globs with wildcards, and names whose list is unknown. */
export function* unknownMatchers(
  match: unknown,
  path: Path,
  known: {
    rules: readonly string[] | undefined;
    clusters: readonly string[] | undefined;
    ofInventory: InventoryNames;
  },
): Generator<Finding> {
  const values = new Map([
    ['severity', SEVERITIES],
    ['rule', known.rules],
    ['cluster', known.clusters],
  ]);
  for (const label of labelsOf(match)) {
    if (!values.has(label) && !known.ofInventory.has(label))
      yield* unknownLabel([...path, label], label, [...ROUTED_LABELS, ...known.ofInventory.names]);
    const names = values.get(label);
    // A cluster may be added tomorrow; a rule is in this file or nowhere.
    const report = label === 'cluster' ? warningAt : errorAt;
    for (const { at, text } of names ? textOrTextsOf(match, label) : []) {
      if (/[*?]/.test(text) || names?.includes(text)) continue;
      const isTiered = label === 'rule' && names?.some((name) => name.startsWith(`${text}.`));
      const suggestion = isTiered
        ? `a rule with tiers makes one of each; write \`${text}.*\``
        : choose(text, names ?? [], 'there are');
      yield report([...path, ...at], `there is no ${label} ${quoted(text)}`, suggestion);
    }
  }
}

export function labelsOf(globs: unknown): string[] {
  return isData(globs) ? Object.keys(globs) : [];
}

export function* unknownLabel(path: Path, label: string, known: readonly string[]): Generator<Finding> {
  if (known.includes(label)) return;
  const suggestion = choose(label, known, 'possible here');
  yield { ...errorAt(path, `there is no label ${quoted(label)}`, suggestion), at: 'key' };
}
