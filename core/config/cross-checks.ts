// Checks across the elements of a file. Invalid elements are left out.

import type { AdapterKinds } from '../registry.ts';
import { quoted } from '../text/suggestions.ts';
import { checkPresets, checksInForce } from './checks-in-force.ts';
import { checkCommands } from './command-checks.ts';
import { checkCoverage } from './coverage.ts';
import { cycles } from './cycles.ts';
import { type Draft, textOf } from './draft.ts';
import { duplicateNames } from './duplicates.ts';
import { lints } from './lints.ts';
import type { FleetNode } from './possible-alerts.ts';
import { type Finding, type Path, warningAt } from './problem.ts';
import { namesOf, unknownReferences } from './references.ts';
import { checkDefaults, type RuleInForce, ruleNames, rulesInForce } from './rule-set.ts';
import type { Reference } from './secret-text.ts';

/** @param options without `nowMs` there are no findings about the past */
export function crossCheck(draft: Draft, options: { nowMs?: number; kinds: AdapterKinds }): Finding[] {
  const checks = checksInForce(draft, options.kinds);
  const rules = rulesInForce(draft, checks);
  const references = unknownReferences(draft, ruleNames(draft, checks));
  const isReported = (path: Path) =>
    references.some((finding) => path.every((part, i) => finding.path[i] === part));
  const nodes = knownNodes(draft);
  const absences = [
    ...references,
    ...checkCommands(draft, options.kinds),
    ...lints({ draft, checks, rules, nodes, ...options }),
    ...(nodes.length > 0 ? coverage() : []),
  ];
  return [
    ...duplicateNames(draft),
    ...cycles(draft, checks),
    ...checkPresets(draft, options.kinds),
    ...checkDefaults(draft, checks),
    ...absences.map((finding): Finding => ({ ...finding, absence: true })),
  ];

  function coverage(): Iterable<Finding> {
    const matchersAreWrong = references.some(
      ({ severity, path }) => severity === 'error' && path[0] === 'routes' && path[2] === 'match',
    );
    const routes = draft.routes?.flatMap(({ value, path }) => (value ? [{ ...value, path }] : []));
    if (matchersAreWrong || draft.unreadable.has('routes') || routes?.length !== draft.routes?.length)
      return [];
    const silences = draft.silences.flatMap(({ value, path }) => {
      const isOver = value && options.nowMs !== undefined && value.untilMs <= options.nowMs;
      return value && !isOver && !isReported(path) ? [{ match: value.match, path }] : [];
    });
    return checkCoverage({
      rules: rules.map(withoutReported),
      routes,
      nodes,
      silences,
      bastions: namesOf(draft.bastions),
    });
  }

  /** A label that there is not selects no node, which is reported once. */
  function withoutReported(entry: RuleInForce): RuleInForce {
    const { inventory, ...rule } = entry.rule;
    const isWrong =
      inventory &&
      ['where', 'whereNot'].some((key) => entry.path.length > 0 && isReported([...entry.path, key]));
    return isWrong ? { ...entry, rule } : entry;
  }
}

/** All nodes of the fleet. Empty when the list is incomplete: some are invalid, or come from an inventory. */
function knownNodes({ clusters, inventory }: Draft): FleetNode[] {
  const isValid = clusters.every(({ value, nodes }) => value && nodes.every((node) => node.value));
  if (!isValid || inventory.length > 0) return [];
  return clusters.flatMap(({ raw, value: alone, nodes }) => {
    const cluster = textOf(raw, 'name') ?? '';
    return nodes.flatMap(({ value }) =>
      value ? [{ ...alone?.labels, ...value.labels, cluster, node: value.name, role: value.role }] : [],
    );
  });
}

/** References that have no value on this machine. */
export function missingValues(
  references: readonly { path: Path; reference: Reference }[],
  { available }: { available?: (reference: Reference) => boolean },
): Finding[] {
  if (!available) return [];
  return references
    .filter(({ reference }) => !available(reference))
    .map(({ path, reference }) => {
      const what = reference.kind === 'env' ? 'is not set' : 'cannot be read';
      return warningAt(
        path,
        `${quoted(reference.text)} ${what} here`,
        'it must be there when `bartizan up` starts',
      );
    });
}
