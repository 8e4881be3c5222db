import type { Rule } from '../model.ts';
import type { AdapterKinds } from '../registry.ts';
import { badChains } from './chains.ts';
import { judgeCoverage } from './coverage.ts';
import { DEFAULT_CHECKS, defaultRules } from './defaults.ts';
import { findDoubts } from './doubts.ts';
import type { Draft } from './draft.ts';
import { idleMatches } from './idle-matches.ts';
import { brokenLinks, namesOf } from './links.ts';
import { duplicateNames } from './names.ts';
import { type Finding, type Path, quoted, warningAt } from './problem.ts';
import { type Item, textOf } from './reader.ts';
import type { Reference } from './secret-text.ts';

/** What a file as a whole must fulfil, as far as its parts are valid. */
export function judgeDraft(draft: Draft, options: { nowMs?: number; kinds: AdapterKinds }): Finding[] {
  const checks = draft.checks?.flatMap(({ value }) => value ?? []) ?? DEFAULT_CHECKS;
  const rules: { rule: Rule; path: Path }[] =
    draft.rules?.flatMap(({ value, path }) => (value ? [{ rule: value, path }] : [])) ??
    defaultRules(checks).map((rule) => ({ rule, path: [] }));
  const ruleNames = draft.rules ? namesOf(draft.rules) : rules.map(({ rule }) => rule.name);
  const nodes = draft.clusters.flatMap((cluster) => {
    const name = textOf(cluster.raw, 'name') ?? '';
    return cluster.nodes.flatMap(({ value }) =>
      value ? [{ cluster: name, node: value.name, role: value.role }] : [],
    );
  });
  const routes = draft.routes?.flatMap(({ value, path }) => (value ? [{ ...value, path }] : []));
  const fleetIsValid = draft.clusters.every((cluster) => cluster.value && cluster.nodes.every(isValid));
  const links = brokenLinks(draft, ruleNames);
  const matchesAreWrong = links.some(
    ({ severity, path }) => severity === 'error' && path[0] === 'routes' && path[2] === 'match',
  );
  // What comes from elsewhere is not known here.
  const fleetIsKnown = fleetIsValid && draft.inventory.length === 0;
  const coverable =
    fleetIsKnown &&
    nodes.length > 0 &&
    !matchesAreWrong &&
    (draft.routes ?? []).every(isValid) &&
    !draft.unreadable.has('routes');
  const coverage = coverable
    ? judgeCoverage({ rules, routes, nodes, bastions: namesOf(draft.bastions) })
    : [];
  const idle = coverable
    ? idleMatches({
        rules,
        silences: draft.silences.filter(({ path }) => !isTold(path, links)),
        nodes,
        bastions: namesOf(draft.bastions),
        nowMs: options.nowMs,
      })
    : [];
  const doubts = findDoubts({
    draft,
    checks,
    rules,
    nodes: fleetIsKnown ? nodes : [],
    nowMs: options.nowMs,
    kinds: options.kinds,
  });
  return [
    ...duplicateNames(draft),
    ...badChains(draft),
    ...[...links, ...coverage, ...idle, ...doubts].map((finding): Finding => ({ ...finding, absence: true })),
  ];
}

/** Whether something within that place is told already. */
function isTold(path: Path, findings: readonly Finding[]): boolean {
  return findings.some((finding) => path.every((part, i) => finding.path[i] === part));
}

function isValid(item: Item<unknown>): boolean {
  return item.value !== undefined;
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
